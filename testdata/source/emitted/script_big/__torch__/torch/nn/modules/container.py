class ModuleList(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : NoneType
  __annotations__["0"] = __torch__.SubA
  __annotations__["1"] = __torch__.SubB
  def __len__(self: __torch__.torch.nn.modules.container.ModuleList) -> int:
    return 2
class ModuleDict(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : NoneType
  __annotations__["a-b"] = __torch__.SubA
  __annotations__["2x"] = __torch__.SubB
  def __len__(self: __torch__.torch.nn.modules.container.ModuleDict) -> int:
    return 2
  def __contains__(self: __torch__.torch.nn.modules.container.ModuleDict,
    key: str) -> bool:
    _0 = torch.__contains__(["a-b", "2x"], key)
    return _0
class ParameterList(Module):
  __parameters__ = ["0", ]
  __buffers__ = []
  __annotations__ = []
  __annotations__["0"] = Tensor
  training : bool
  _is_full_backward_hook : Optional[bool]
  _size : int
