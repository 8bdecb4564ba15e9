//! The budgets of memory-budget.md, which is compiled in: a table row begins with its name in backquotes, and
//! its third cell with the budget's number.

/// The contract, as it stood when the program was built.
const TABLE: &str = include_str!("../../../memory-budget.md");

/// The budget of a row, in the unit that the table gives; `None` if there is no such row.
pub fn of(row: &str) -> Option<f64> {
    TABLE.lines().find_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let named = cells.next()?.strip_suffix('`')? == row;
        named.then(|| cells.nth(1)?.split_whitespace().next()?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_name() {
        for row in ["peak", "convert", "detect", "align", "embed", "search", "all"] {
            assert!(of(row) > Some(0.0), "{row}");
        }
        assert_eq!(of("pea"), None);
    }
}
