//! The paper's own rows, to stand beside one's own.
//!
//! Its two tables disagree on IJB-C at FAR 1e-4 in five rows; the second table's figures are used.

use std::collections::BTreeMap;

const VERIFICATION: &str = include_str!("paper/verification.csv");
const HARD: &str = include_str!("paper/rfw_low_resolution_ijbc.csv");
/// What to say below a table with these rows.
pub const REMARK: &str = "Paper: Hassanpour and Kowsari, \"Lightweight Face Recognition: An Improved \
MobileFaceNet Model\". Its two tables disagree on IJB-C at FAR 1e-4 in five rows; the second table's figures \
are shown.";

/// The rows: model, and its figures by this tool's column names.
pub fn rows() -> Vec<(String, BTreeMap<String, String>)> {
    let mut rows: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    for table in [VERIFICATION, HARD] {
        let mut lines = table.lines().map(|l| l.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap_or_default();
        for cells in lines {
            let known = rows.iter().position(|(model, _)| model == cells[0]).unwrap_or_else(|| {
                rows.push((cells[0].to_string(), BTreeMap::new()));
                rows.len() - 1
            });
            for (key, cell) in header.iter().zip(&cells).skip(1).filter(|(key, _)| **key != DISPUTED) {
                rows[known].1.insert(column(key), cell.to_string());
            }
        }
    }
    rows
}

/// The first table's IJB-C column, which the second contradicts.
const DISPUTED: &str = "ijbc_tar_at_far_1e-4";

/// `rfw_asian` -> `rfw-asian`, `tinyface_rank1` -> `tinyface-rank-1`, `ijbc_far_1e-5` -> `ijb-c-far-1e-5`.
fn column(key: &str) -> String {
    key.replace("ijbc", "ijb-c").replace("rank", "rank-").replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_rows_with_the_figures_of_both_tables() {
        let rows = rows();
        assert_eq!(rows.len(), 9);
        let (model, figures) = &rows[2];
        assert_eq!(model, "MobileFaceNet-SAM V1");
        for (column, figure) in [
            ("lfw", "99.55"),
            ("agedb-30", "95.57"),
            ("rfw-asian", "90.38"),
            ("tinyface-rank-1", "61.31"),
            ("ijb-c-far-1e-4", "93.07"),
            ("mflops", "236.75"),
        ] {
            assert_eq!(figures[column], figure, "{column}");
        }
        // The row in which the two tables disagree most.
        assert_eq!(rows[0].1["ijb-c-far-1e-4"], "91.21");
    }
}
