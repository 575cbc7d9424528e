class Lit(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(s: __torch__.Lit,
    x: Tensor) -> List[str]:
    _0 = "tab\t nl\n cr\r nul\000 bel\a \177 esc\033"
    _1 = "longlonglonglonglonglonglonglonglonglonglonglong"
    st = ["", "a\'b\"c", _0, "back\\slash", CONSTANTS.c0, _1]
    print(inf, -inf, nan, 1e+100, 0.10000000000000001, 9.9999999999999995e-08, 123456789012345678, -0., 3., 10000000000000000, -2, 0.+1.j, 0.+1.5j)
    xs = annotate(List[float], [])
    td = annotate(Dict[int, int], {})
    t0 = (1, 2.5, "s", None, True, [1, 2], {"a": 1})
    _2 = torch.slice(torch.slice(torch.slice(x), 1, 1), 2, None, None, 2)
    print(xs, td, (1,), t0, torch.unsqueeze(_2, 3), torch.select(x, 0, -1), 2, 2.5, 1, 8., 4, 5, False, True)
    return st
