//! Project tasks, the same on a laptop and in CI; see `cargo xtask help`.

mod bench;
mod ci;
mod codegen;
mod corpus;
mod demo;
mod fuzz;
mod libtorch;
mod python;
mod shell;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask TASK

  setup            fetch libtorch 2.11 (CPU) into target/libtorch, unless LIBTORCH or LIBTORCH_USE_PYTORCH names
                   one, and build ptool, ptool-torch and libhorizon_ops.so
  demo             set up, build, and run the main commands on the shipped digits model
  test             all tests, without and with libtorch
  ci               everything CI runs, in its order
  tidy             layering, file length and wording rules
  codegen [--check]  make (or check) the schema table and the quantised functions with Python torch 2.11
  corpus [ARGS]    make full-size torchvision models with Python and check every law on them
  corpus --quantise [MARCH]
                   quantise them and compare the engines that run the results: eleven models, as a table
  bench            speed and memory against libtorch, cp and Python, as medians and ratios
  fuzz [SECONDS]   build the fuzz targets and run each (default 60 s); `fuzz --build` only builds
  bless            accept the snapshots the last test run wrote
";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = match args.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    match task {
        "setup" => demo::build_release(),
        "demo" => demo::demo(),
        "test" => ci::test(),
        "ci" => ci::ci(),
        "tidy" => ci::tidy(),
        "codegen" => codegen::codegen(
            &shell::root(),
            &python::interpreter(),
            rest.iter().any(|a| a == "--check"),
        ),
        "corpus" => corpus::corpus(rest),
        "bench" => bench::bench(rest),
        "fuzz" => fuzz::fuzz(rest),
        "bless" => ci::bless(),
        "help" | "--help" | "-h" => {
            shell::say(HELP);
            Ok(())
        }
        other => bail!("no task `{other}`; `cargo xtask help` lists them"),
    }
}
