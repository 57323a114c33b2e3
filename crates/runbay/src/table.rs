//! Tables that line up, on standard output.

use std::io::Write;

/// Writes rows of text with each column as wide as its widest cell.
pub(crate) fn print(rows: &[Vec<String>]) -> std::io::Result<()> {
    std::io::stdout().write_all(render(rows).as_bytes())
}

fn render(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let line: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text += line.join("  ").trim_end();
        text += "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let text = render(&[row(["id", "name", "note"]), row(["javascript", "JS", "é"]), row(["py", "Python", ""])]);
        assert_eq!(text, "id          name    note\njavascript  JS      é\npy          Python\n");
    }
}
