//! Text tables.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// A table for people: headings, a rule, columns two spaces apart; `right` names columns of numbers.
pub fn table(headings: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        // The width of a terminal must not change what a pipe gets.
        .set_content_arrangement(ContentArrangement::Disabled)
        .force_no_tty();
    table.set_header(headings);
    let width = |i: usize| {
        let cells = rows.iter().filter_map(|row| row.get(i));
        cells
            .map(|c| c.chars().count())
            .chain([headings[i].chars().count()])
            .max()
            .unwrap_or(0)
    };
    table.add_row((0..headings.len()).map(|i| "-".repeat(width(i))));
    for row in rows {
        table.add_row(row.iter().map(|cell| one_line(cell)));
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if right.contains(&i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    lines_trimmed(table.lines())
}

/// The table of the guide: `name` and `if equal`, laid out as it is there.
pub fn guide_table(headings: [&str; 2], rows: &[(String, String)]) -> String {
    // Columns are two wider than their headings at least.
    let first = rows.iter().map(|(a, _)| a.chars().count());
    let second = rows.iter().map(|(_, b)| b.chars().count());
    let first = first.chain([headings[0].len() + 2]).max().unwrap_or(0);
    let second = second.chain([headings[1].len() + 2]).max().unwrap_or(0);
    let head = format!("{:first$}  {}", headings[0], headings[1]);
    let rule = format!("{}  {}", "-".repeat(first), "-".repeat(second));
    let rows = rows.iter().map(|(a, b)| format!("{a:first$}  {b}"));
    lines_trimmed([head, rule].into_iter().chain(rows))
}

fn one_line(cell: &str) -> String {
    cell.replace(['\n', '\r', '\t'], " ")
}

fn lines_trimmed(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guide_table_is_laid_out_as_in_the_guide() {
        let rows = [
            ("arg0".to_owned(), "True".to_owned()),
            (
                "_quantized_ops_2_reciprocal_hz_segment_lut".to_owned(),
                "False".to_owned(),
            ),
        ];
        let text = guide_table(["name", "if equal"], &rows);
        let expected = "\
name                                        if equal
------------------------------------------  ----------
arg0                                        True
_quantized_ops_2_reciprocal_hz_segment_lut  False
";
        assert_eq!(text, expected);
    }

    #[test]
    fn numbers_are_aligned_to_the_right() {
        let rows = [
            vec!["a".to_owned(), "7".to_owned()],
            vec!["bb".to_owned(), "1234".to_owned()],
        ];
        let text = table(&["op", "count"], &rows, &[1]);
        assert_eq!(text, "op  count\n--  -----\na       7\nbb   1234\n");
    }
}
