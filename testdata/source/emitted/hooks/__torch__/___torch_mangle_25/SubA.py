def pre(self: __torch__.___torch_mangle_25.SubA,
    inp: Tuple[Tensor]) -> Tuple[Tensor]:
  return (torch.mul((inp)[0], 2),)
def post(self: __torch__.___torch_mangle_25.SubA,
    inp: Tuple[Tensor],
    out: Tensor) -> Tensor:
  return torch.add(out, 1)
