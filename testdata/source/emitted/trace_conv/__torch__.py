class Conv(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  seq : __torch__.torch.nn.modules.container.Sequential
  ln : __torch__.torch.nn.modules.normalization.LayerNorm
  def forward(self: __torch__.Conv,
    x: Tensor) -> Tensor:
    ln = self.ln
    seq = self.seq
    _0 = torch.flatten((seq).forward(x, ), 2)
    input = torch.transpose(_0, 1, 2)
    _1 = torch.mean((ln).forward(input, ), [1])
    return _1
