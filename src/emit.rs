//! A new TorchScript file from a tree of objects, class sources and tensors.
