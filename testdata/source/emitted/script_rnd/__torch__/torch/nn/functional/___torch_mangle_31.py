def interpolate(input: Tensor,
    size: Optional[int]=None,
    scale_factor: Optional[float]=None,
    mode: str="nearest",
    align_corners: Optional[bool]=None,
    recompute_scale_factor: Optional[bool]=None,
    antialias: bool=False) -> Tensor:
  _0 = "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
  _1 = "only one of size or scale_factor should be defined"
  _2 = "AssertionError: scale_factor must be None when size is specified"
  _3 = "AssertionError: size must be None when scale_factor is specified"
  _4 = "either size or scale_factor should be defined"
  _5 = "recompute_scale_factor is not meaningful with an explicit size."
  _6 = "AssertionError: scale_factors is unexpectedly None"
  _7 = "Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor as input"
  _8 = "AssertionError: output_size is unexpectedly None"
  _9 = __torch__.torch.nn.functional.adaptive_avg_pool2d
  _10 = __torch__.torch.nn.functional.adaptive_avg_pool3d
  _11 = "AssertionError: align_corners is unexpectedly None"
  _12 = "Got 3D input, but bilinear mode needs 4D input"
  _13 = "Got 3D input, but trilinear mode needs 5D input"
  _14 = "Got 4D input, but linear mode needs 3D input"
  _15 = "Got 4D input, but trilinear mode needs 5D input"
  _16 = "Got 5D input, but linear mode needs 3D input"
  _17 = "Got 5D input, but bilinear mode needs 4D input"
  _18 = "Input Error: Only 3D, 4D and 5D input Tensors supported (got {}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact (got {})"
  _19 = uninitialized(Tensor)
  _20 = uninitialized(List[int])
  _21 = uninitialized(Optional[bool])
  _22 = uninitialized(NoneType)
  _23 = uninitialized(List[float])
  _24 = uninitialized(Optional[List[int]])
  _25 = uninitialized(Optional[List[float]])
  _26 = uninitialized(Optional[int])
  _27 = uninitialized(Optional[bool])
  _28 = uninitialized(bool)
  _29 = torch.__contains__(["nearest", "area", "nearest-exact"], mode)
  if _29:
    _30 = torch.__isnot__(align_corners, None)
    if _30:
      ops.prim.RaiseException(_0, "builtins.ValueError")
      align_corners1 : Optional[bool] = _27
    else:
      align_corners1 = align_corners
    align_corners0 : Optional[bool] = align_corners1
  else:
    if torch.__is__(align_corners, None):
      align_corners2 = False
    else:
      align_corners3 = unchecked_cast(bool, align_corners)
      align_corners2 = align_corners3
    align_corners0 = align_corners2
  dim = torch.sub(torch.dim(input), 2)
  if torch.__isnot__(size, None):
    size1 = unchecked_cast(int, size)
    _31, size0 = torch.__isnot__(scale_factor, None), size1
  else:
    _31, size0 = False, size
  if _31:
    ops.prim.RaiseException(_1, "builtins.ValueError")
    size2, output_size, scale_factors = _26, _24, _25
  else:
    if torch.__isnot__(size0, None):
      size4 = unchecked_cast(int, size0)
      _32 = torch.__isnot__(scale_factor, None)
      if _32:
        ops.prim.RaiseException(_2)
      else:
        pass
      size5 = unchecked_cast(int, size4)
      output_size1 = annotate(List[int], [])
      for _33 in range(dim):
        _34 = torch.append(output_size1, size5)
      size3, output_size0, scale_factors0 = size5, output_size1, None
    else:
      _35 = torch.__isnot__(scale_factor, None)
      if _35:
        scale_factor0 = unchecked_cast(float, scale_factor)
        if torch.__isnot__(size0, None):
          ops.prim.RaiseException(_3)
          size7 : Optional[int] = _26
        else:
          size7 = size0
        scale_factor1 = unchecked_cast(float, scale_factor0)
        scale_factors2 = annotate(List[float], [])
        for _36 in range(dim):
          _37 = torch.append(scale_factors2, scale_factor1)
        size6, output_size2, scale_factors1 = size7, None, scale_factors2
      else:
        ops.prim.RaiseException(_4, "builtins.ValueError")
        size6, output_size2, scale_factors1 = _26, _22, _23
      size3, output_size0, scale_factors0 = size6, output_size2, scale_factors1
    size2, output_size, scale_factors = size3, output_size0, scale_factors0
  _38 = torch.__isnot__(recompute_scale_factor, None)
  if _38:
    recompute_scale_factor1 = unchecked_cast(bool, recompute_scale_factor)
    _39, recompute_scale_factor0 = recompute_scale_factor1, recompute_scale_factor1
  else:
    _39, recompute_scale_factor0 = False, recompute_scale_factor
  if _39:
    recompute_scale_factor3 = unchecked_cast(bool, recompute_scale_factor0)
    _40, recompute_scale_factor2 = torch.__isnot__(size2, None), recompute_scale_factor3
  else:
    _40, recompute_scale_factor2 = False, recompute_scale_factor0
  if _40:
    ops.prim.RaiseException(_5, "builtins.ValueError")
    recompute_scale_factor4 : Optional[bool] = _21
  else:
    recompute_scale_factor4 = recompute_scale_factor2
  if torch.eq(mode, "area"):
    _41 = torch.__is__(output_size, None)
  else:
    _41 = False
  if _41:
    recompute_scale_factor5 : Optional[bool] = True
  else:
    recompute_scale_factor5 = recompute_scale_factor4
  _42 = torch.__isnot__(recompute_scale_factor5, None)
  if _42:
    recompute_scale_factor6 = unchecked_cast(bool, recompute_scale_factor5)
    _43 = recompute_scale_factor6
  else:
    _43 = False
  if _43:
    if torch.__is__(scale_factors, None):
      ops.prim.RaiseException(_6)
      scale_factors4 = _23
    else:
      scale_factors5 = unchecked_cast(List[float], scale_factors)
      scale_factors4 = scale_factors5
    output_size4 = annotate(List[int], [])
    for i in range(dim):
      _44 = torch.size(input, torch.add(i, 2))
      _45 = torch.mul(float(_44), scale_factors4[i])
      _46 = torch.append(output_size4, torch.floor(_45))
    output_size3, scale_factors3 = output_size4, None
  else:
    output_size3, scale_factors3 = output_size, scale_factors
  if antialias:
    _48 = torch.__contains__(["bilinear", "bicubic"], mode)
    if _48:
      _49 = torch.eq(torch.dim(input), 4)
    else:
      _49 = False
    _47 = torch.__not__(_49)
  else:
    _47 = False
  if _47:
    ops.prim.RaiseException(_7, "builtins.ValueError")
  else:
    pass
  if torch.eq(torch.dim(input), 3):
    _50 = torch.eq(mode, "nearest")
  else:
    _50 = False
  if _50:
    _52 = torch.upsample_nearest1d(input, output_size3, scale_factors3)
    _51 = _52
  else:
    if torch.eq(torch.dim(input), 4):
      _53 = torch.eq(mode, "nearest")
    else:
      _53 = False
    if _53:
      _55 = torch.upsample_nearest2d(input, output_size3, scale_factors3)
      _54 = _55
    else:
      if torch.eq(torch.dim(input), 5):
        _56 = torch.eq(mode, "nearest")
      else:
        _56 = False
      if _56:
        _58 = torch.upsample_nearest3d(input, output_size3, scale_factors3)
        _57 = _58
      else:
        if torch.eq(torch.dim(input), 3):
          _60 = torch.eq(mode, "nearest-exact")
          _59 = _60
        else:
          _59 = False
        if _59:
          _62 = torch._upsample_nearest_exact1d(input, output_size3, scale_factors3)
          _61 = _62
        else:
          if torch.eq(torch.dim(input), 4):
            _64 = torch.eq(mode, "nearest-exact")
            _63 = _64
          else:
            _63 = False
          if _63:
            _66 = torch._upsample_nearest_exact2d(input, output_size3, scale_factors3)
            _65 = _66
          else:
            _67 = torch.eq(torch.dim(input), 5)
            if _67:
              _69 = torch.eq(mode, "nearest-exact")
              _68 = _69
            else:
              _68 = False
            if _68:
              _71 = torch._upsample_nearest_exact3d(input, output_size3, scale_factors3)
              _70 = _71
            else:
              _72 = torch.eq(torch.dim(input), 3)
              if _72:
                _73 = torch.eq(mode, "area")
              else:
                _73 = False
              if _73:
                _75 = torch.__is__(output_size3, None)
                if _75:
                  ops.prim.RaiseException(_8)
                  output_size5 = _20
                else:
                  output_size6 = unchecked_cast(List[int], output_size3)
                  output_size5 = output_size6
                _76 = torch.adaptive_avg_pool1d(input, output_size5)
                _74 = _76
              else:
                _77 = torch.eq(torch.dim(input), 4)
                if _77:
                  _79 = torch.eq(mode, "area")
                  _78 = _79
                else:
                  _78 = False
                if _78:
                  _81 = torch.__is__(output_size3, None)
                  if _81:
                    ops.prim.RaiseException(_8)
                    output_size7 = _20
                  else:
                    output_size8 = unchecked_cast(List[int], output_size3)
                    output_size7 = output_size8
                  _82 = _9(input, output_size7, )
                  _80 = _82
                else:
                  _83 = torch.eq(torch.dim(input), 5)
                  if _83:
                    _85 = torch.eq(mode, "area")
                    _84 = _85
                  else:
                    _84 = False
                  if _84:
                    _87 = torch.__is__(output_size3, None)
                    if _87:
                      ops.prim.RaiseException(_8)
                      output_size9 = _20
                    else:
                      output_size10 = unchecked_cast(List[int], output_size3)
                      output_size9 = output_size10
                    _88 = _10(input, output_size9, )
                    _86 = _88
                  else:
                    _89 = torch.eq(torch.dim(input), 3)
                    if _89:
                      _91 = torch.eq(mode, "linear")
                      _90 = _91
                    else:
                      _90 = False
                    if _90:
                      _93 = torch.__is__(align_corners0, None)
                      if _93:
                        ops.prim.RaiseException(_11)
                        align_corners4 = _28
                      else:
                        align_corners5 = unchecked_cast(bool, align_corners0)
                        align_corners4 = align_corners5
                      _94 = torch.upsample_linear1d(input, output_size3, align_corners4, scale_factors3)
                      _92 = _94
                    else:
                      _95 = torch.eq(torch.dim(input), 4)
                      if _95:
                        _97 = torch.eq(mode, "bilinear")
                        _96 = _97
                      else:
                        _96 = False
                      if _96:
                        _99 = torch.__is__(align_corners0, None)
                        if _99:
                          ops.prim.RaiseException(_11)
                          align_corners6 = _28
                        else:
                          align_corners7 = unchecked_cast(bool, align_corners0)
                          align_corners6 = align_corners7
                        if antialias:
                          _101 = torch._upsample_bilinear2d_aa(input, output_size3, align_corners6, scale_factors3)
                          _100 = _101
                        else:
                          _102 = torch.upsample_bilinear2d(input, output_size3, align_corners6, scale_factors3)
                          _100 = _102
                        _98 = _100
                      else:
                        _103 = torch.dim(input)
                        _104 = torch.eq(_103, 5)
                        if _104:
                          _106 = torch.eq(mode, "trilinear")
                          _105 = _106
                        else:
                          _105 = False
                        if _105:
                          _108 = torch.__is__(align_corners0, None)
                          if _108:
                            ops.prim.RaiseException(_11)
                            align_corners8 = _28
                          else:
                            align_corners9 = unchecked_cast(bool, align_corners0)
                            align_corners8 = align_corners9
                          _109 = torch.upsample_trilinear3d(input, output_size3, align_corners8, scale_factors3)
                          _107 = _109
                        else:
                          _110 = torch.dim(input)
                          _111 = torch.eq(_110, 4)
                          if _111:
                            _113 = torch.eq(mode, "bicubic")
                            _112 = _113
                          else:
                            _112 = False
                          if _112:
                            _115 = torch.__is__(align_corners0, None)
                            if _115:
                              ops.prim.RaiseException(_11)
                              align_corners10 = _28
                            else:
                              align_corners11 = unchecked_cast(bool, align_corners0)
                              align_corners10 = align_corners11
                            if antialias:
                              _117 = torch._upsample_bicubic2d_aa(input, output_size3, align_corners10, scale_factors3)
                              _116 = _117
                            else:
                              _118 = torch.upsample_bicubic2d(input, output_size3, align_corners10, scale_factors3)
                              _116 = _118
                            _114 = _116
                          else:
                            _119 = torch.dim(input)
                            _120 = torch.eq(_119, 3)
                            if _120:
                              _122 = torch.eq(mode, "bilinear")
                              _121 = _122
                            else:
                              _121 = False
                            if _121:
                              ops.prim.RaiseException(_12, "builtins.NotImplementedError")
                            else:
                              pass
                            _123 = torch.dim(input)
                            _124 = torch.eq(_123, 3)
                            if _124:
                              _126 = torch.eq(mode, "trilinear")
                              _125 = _126
                            else:
                              _125 = False
                            if _125:
                              ops.prim.RaiseException(_13, "builtins.NotImplementedError")
                            else:
                              pass
                            _127 = torch.dim(input)
                            _128 = torch.eq(_127, 4)
                            if _128:
                              _130 = torch.eq(mode, "linear")
                              _129 = _130
                            else:
                              _129 = False
                            if _129:
                              ops.prim.RaiseException(_14, "builtins.NotImplementedError")
                            else:
                              pass
                            _131 = torch.dim(input)
                            _132 = torch.eq(_131, 4)
                            if _132:
                              _134 = torch.eq(mode, "trilinear")
                              _133 = _134
                            else:
                              _133 = False
                            if _133:
                              ops.prim.RaiseException(_15, "builtins.NotImplementedError")
                            else:
                              pass
                            _135 = torch.dim(input)
                            _136 = torch.eq(_135, 5)
                            if _136:
                              _138 = torch.eq(mode, "linear")
                              _137 = _138
                            else:
                              _137 = False
                            if _137:
                              ops.prim.RaiseException(_16, "builtins.NotImplementedError")
                            else:
                              pass
                            _139 = torch.dim(input)
                            _140 = torch.eq(_139, 5)
                            if _140:
                              _142 = torch.eq(mode, "bilinear")
                              _141 = _142
                            else:
                              _141 = False
                            if _141:
                              ops.prim.RaiseException(_17, "builtins.NotImplementedError")
                            else:
                              pass
                            _143 = torch.dim(input)
                            _144 = torch.format(_18, _143, mode)
                            ops.prim.RaiseException(_144, "builtins.NotImplementedError")
                            _114 = _19
                          _107 = _114
                        _98 = _107
                      _92 = _98
                    _86 = _92
                  _80 = _86
                _74 = _80
              _70 = _74
            _65 = _70
          _61 = _65
        _57 = _61
      _54 = _57
    _51 = _54
  return _51
