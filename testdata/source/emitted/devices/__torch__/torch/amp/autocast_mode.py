class autocast:
  fast_dtype : int
  _enabled : bool
  device : str
  def __call__(self: __torch__.torch.amp.autocast_mode.autocast,
    func: Tensor) -> Tensor:
    return func
  def __enter__(self: __torch__.torch.amp.autocast_mode.autocast) -> __torch__.torch.amp.autocast_mode.autocast:
    return self
  def __exit__(self: __torch__.torch.amp.autocast_mode.autocast,
    exc_type: Any,
    exc_val: Any,
    exc_tb: Any) -> NoneType:
    return None
  def __init__(self: __torch__.torch.amp.autocast_mode.autocast,
    device_type: str,
    dtype: Optional[int]=None,
    enabled: bool=True,
    cache_enabled: Optional[bool]=None) -> NoneType:
    device_type0 = unchecked_cast(str, device_type)
    if torch.__is__(dtype, None):
      _1 = torch.get_autocast_dtype(device_type0)
      _0 = _1
    else:
      _0 = unchecked_cast(int, dtype)
    self.fast_dtype = _0
    self._enabled = enabled
    self.device = device_type0
    return None
