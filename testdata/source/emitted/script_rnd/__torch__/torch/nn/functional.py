def dropout(input: Tensor,
    p: float=0.5,
    training: bool=True,
    inplace: bool=False) -> Tensor:
  _0 = "dropout probability has to be between 0 and 1, but got {}"
  if torch.lt(p, 0.):
    _1 = True
  else:
    _1 = torch.gt(p, 1.)
  if _1:
    ops.prim.RaiseException(torch.format(_0, p), "builtins.ValueError")
  else:
    pass
  if inplace:
    _2 = torch.dropout_(input, p, training)
  else:
    _2 = torch.dropout(input, p, training)
  return _2
def adaptive_avg_pool2d(input: Tensor,
    output_size: List[int]) -> Tensor:
  _3 = torch.gt(torch.len(torch.size(input)), torch.len(output_size))
  if _3:
    pass
  else:
    ops.prim.RaiseException("AssertionError: ")
  _4 = torch.adaptive_avg_pool2d(input, output_size)
  return _4
def adaptive_avg_pool3d(input: Tensor,
    output_size: List[int]) -> Tensor:
  _5 = torch.gt(torch.len(torch.size(input)), torch.len(output_size))
  if _5:
    pass
  else:
    ops.prim.RaiseException("AssertionError: ")
  _6 = torch.adaptive_avg_pool3d(input, output_size)
  return _6
