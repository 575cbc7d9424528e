"""Using converted files in stock Python torch 2.11, with no other package.

    python testdata/gen/stock_torch.py libhorizon_ops.so FAKE_QUANT.pt FIXED_POINT.pt OUT.pt [SHAPE]

Runs both files on one random input, trains the fake-quant file for one step, and saves it. SHAPE is as `1,3,32,32`.
"""

import sys

import torch


def main():
    library, fake_quant, fixed_point, out = sys.argv[1:5]
    shape = [int(n) for n in (sys.argv[5] if len(sys.argv) > 5 else "1,3,32,32").split(",")]
    # Before any file is loaded: an operator that is not registered cannot be loaded.
    torch.ops.load_library(library)

    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    fixed = torch.jit.load(fixed_point).eval()
    with torch.no_grad():
        print(f"fixed-point output: {tuple(fixed(x).shape)}")

    model = torch.jit.load(fake_quant).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    before = [p.detach().clone() for p in model.parameters()]
    loss = model(x).square().mean()
    loss.backward()
    optimizer.step()
    moved = sum(not torch.equal(a, b) for a, b in zip(before, model.parameters()))
    print(f"trained one step: loss {loss.item():.6f}, {moved} of {len(before)} parameters moved")

    model.eval()
    torch.jit.save(model, out)
    again = torch.jit.load(out)
    with torch.no_grad():
        same = torch.equal(again(x), model(x))
    print(f"saved to {out}; loaded again, it gives the same output: {same}")
    sys.exit(0 if same and moved else 1)


if __name__ == "__main__":
    main()
