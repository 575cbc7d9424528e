class Conv(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  seq : __torch__.torch.nn.modules.container.___torch_mangle_22.Sequential
  ln : __torch__.torch.nn.modules.normalization.___torch_mangle_23.LayerNorm
  def forward(s: __torch__.___torch_mangle_24.Conv,
    x: Tensor) -> Tensor:
    seq = s.seq
    _0 = torch.flatten((seq).forward(x, ), 2)
    y = torch.transpose(_0, 1, 2)
    ln = s.ln
    return torch.mean((ln).forward(y, ), [1])
