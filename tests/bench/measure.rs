//! Interleaved timing, process measurement and the result table.

use comfy_table::Table;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4;

/// One thing to time.
pub(crate) struct Case<'a> {
    pub(crate) name: &'a str,
    pub(crate) run: Box<dyn FnMut() + 'a>,
}

/// A case that times a closure.
pub(crate) fn case<'a>(name: &'a str, run: impl FnMut() + 'a) -> Case<'a> {
    Case {
        name,
        run: Box::new(run),
    }
}

/// Median seconds of each case over `rounds` rounds; every round runs every case once, after one warm-up round.
pub(crate) fn medians(cases: &mut [Case<'_>], rounds: usize) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(rounds); cases.len()];
    for round in 0..=rounds {
        for (case, times) in cases.iter_mut().zip(&mut times) {
            let start = Instant::now();
            (case.run)();
            if round > 0 {
                times.push(start.elapsed().as_secs_f64());
            }
        }
    }
    times.iter_mut().map(|t| median(t)).collect()
}

pub(crate) fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Times the cases and prints them with ratios to the first; gives the medians.
pub(crate) fn report(title: &str, mut cases: Vec<Case<'_>>, rounds: usize) -> Vec<f64> {
    let seconds = medians(&mut cases, rounds);
    let mut table = new_table(&["what", "median ms", "ratio"]);
    for (case, s) in cases.iter().zip(&seconds) {
        table.add_row([
            case.name.to_owned(),
            format!("{:.2}", s * 1e3),
            format!("{:.3}", s / seconds[0]),
        ]);
    }
    print(&format!("\n{title} ({rounds} rounds)\n{table}\n"));
    seconds
}

pub(crate) fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.set_header(header.iter().copied());
    table
}

/// What one run of a program took.
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    /// Peak resident bytes, page cache mapped into the process included.
    pub(crate) peak_bytes: u64,
}

/// Runs a program to its end.
pub(crate) fn run_process(command: &mut Command) -> Cost {
    let start = Instant::now();
    let child = start_quietly(command);
    let used = child.wait4().expect("the program ends");
    assert!(
        used.status.code().is_some_and(|c| c < 2),
        "{command:?} ended with {}",
        used.status
    );
    Cost {
        seconds: start.elapsed().as_secs_f64(),
        peak_bytes: used.rusage.maxrss,
    }
}

fn start_quietly(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the program starts")
}

/// Most private memory of a program while it runs: what it allocated itself, without pages of mapped files, which the
/// kernel may drop at any time. Sampled as fast as the kernel answers, so take it from a run of its own.
pub(crate) fn peak_private_bytes(command: &mut Command) -> u64 {
    largest(command, "RssAnon:")
}

/// Peak resident bytes of a program by itself. [`Cost::peak_bytes`] cannot be less than what this process holds when it
/// starts the program, for the kernel hands its figure on.
pub(crate) fn peak_resident_bytes(command: &mut Command) -> u64 {
    largest(command, "VmHWM:")
}

/// The largest value of a line of the program's status, sampled until it ends.
fn largest(command: &mut Command, line: &str) -> u64 {
    // Until it has started the program, the child is a copy of this process.
    let (mut child, own) = (start_quietly(command), fs::read_link("/proc/self/exe").ok());
    let folder = format!("/proc/{}", child.id());
    let mut peak = 0;
    let ended = loop {
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            break status;
        }
        if fs::read_link(format!("{folder}/exe")).ok() != own {
            let text = fs::read_to_string(format!("{folder}/status")).unwrap_or_default();
            let value = text.lines().find_map(|l| l.strip_prefix(line));
            let kilobytes =
                value.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok());
            peak = peak.max(kilobytes.unwrap_or(0) * 1024);
        }
        std::thread::sleep(Duration::from_micros(200));
    };
    assert!(
        ended.code().is_some_and(|c| c < 2),
        "{command:?} ended with {ended}"
    );
    peak
}

/// A figure beside what it should be.
pub(crate) fn against(figure: f64, target: f64, unit: &str) -> String {
    let word = if figure <= target { "met" } else { "MISSED" };
    format!("{figure:.3}{unit} (at most {target}{unit}: {word})")
}

/// Prints to standard output.
#[expect(
    clippy::print_stdout,
    reason = "the table is the result of this program"
)]
pub(crate) fn print(text: &str) {
    print!("{text}");
}

/// Names the machine, because a figure without one says nothing.
pub(crate) fn print_machine() {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .unwrap_or("unknown processor");
    let model = model.trim_start_matches(['\t', ' ', ':']);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    print(&format!("machine: {model}, {cores} cores\n"));
}
