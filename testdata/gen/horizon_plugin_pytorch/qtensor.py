"""A quantised value while tracing: integers with their scale."""
import torch


class QTensor:
    def __init__(self, data, scale, dtype):
        # The plugin's wrapper aliases data each time it is made.
        self.data, self.scale, self.dtype = torch.ops.aten.alias(data), scale, dtype

    @property
    def zero_point(self):
        return torch.zeros_like(self.scale).to(torch.int64)
