class GS(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  w : Tensor
  k : int
  def forward(s: __torch__.GS,
    x: Tensor) -> Tensor:
    w = s.w
    return torch.add(x, w)
  def __getstate__(s: __torch__.GS) -> Tuple[Tensor, int, bool]:
    w = s.w
    k = s.k
    training = s.training
    return (w, k, training)
  def __setstate__(s: __torch__.GS,
    st: Tuple[Tensor, int, bool]) -> NoneType:
    s.w = (st)[0]
    s.k = (st)[1]
    s.training = (st)[2]
    return None
