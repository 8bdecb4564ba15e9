//! Lists of pairs, as their publishers write them.

use super::folds::consecutive_fold;
use anyhow::{Context, Result, ensure};

/// Two pictures to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair<P> {
    /// First picture.
    pub a: P,
    /// Second picture.
    pub b: P,
    /// Whether they show the same person.
    pub mated: bool,
    /// Number of the fold, from 0.
    pub fold: usize,
}

/// LFW's `pairs.txt`, also of XQLFW and RFW: `NAME N M` and `NAME N OTHER M`; in the first line folds and pairs
/// a kind and fold, or nothing of that, and then ten folds follow each other. Names come as `NAME/NAME_0001`.
///
/// # Errors
/// The first line that is of another form.
pub fn lfw(text: &str) -> Result<Vec<Pair<String>>> {
    let mut lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let header: Option<Vec<usize>> =
        lines.first().and_then(|l| l.split_whitespace().map(|w| w.parse().ok()).collect());
    let header = header.filter(|numbers| numbers.len() <= 2);
    if header.is_some() {
        lines.remove(0);
    }
    let (folds, of_fold) = match header.as_deref() {
        Some([folds, kind]) if *kind > 0 => (*folds, Some(2 * kind)),
        _ => (10, None),
    };
    let mut pairs = Vec::with_capacity(lines.len());
    for (i, line) in lines.iter().enumerate() {
        let fold = of_fold.map_or_else(|| consecutive_fold(i, lines.len(), folds), |n| i / n);
        let pair =
            lfw_line(line, fold).with_context(|| format!("the list of pairs has the line `{line}`"))?;
        pairs.push(pair);
    }
    if let Some(of_fold) = of_fold {
        let wanted = folds * of_fold;
        ensure!(pairs.len() == wanted, "the list announces {wanted} pairs and has {}", pairs.len());
    }
    Ok(pairs)
}

fn lfw_line(line: &str, fold: usize) -> Option<Pair<String>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let picture =
        |name: &str, number: &str| Some(format!("{name}/{name}_{:04}", number.parse::<u32>().ok()?));
    match words[..] {
        [name, a, b] => Some(Pair { a: picture(name, a)?, b: picture(name, b)?, mated: true, fold }),
        [one, a, two, b] => Some(Pair { a: picture(one, a)?, b: picture(two, b)?, mated: false, fold }),
        _ => None,
    }
}

/// `pairs_CALFW.txt` and `pairs_CPLFW.txt`: two lines a pair, each `FILE LABEL`; the label is 0 for non-mated
/// pairs. Ten folds follow each other.
///
/// # Errors
/// The first line that is of another form.
pub fn two_lines(text: &str) -> Result<Vec<Pair<String>>> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    ensure!(lines.len().is_multiple_of(2), "the list of pairs has an odd number of lines");
    let count = lines.len() / 2;
    let one = |line: &str| {
        let (file, label) = line.rsplit_once(char::is_whitespace)?;
        Some((file.trim().to_string(), label.parse::<u32>().ok()? > 0))
    };
    let mut pairs = Vec::with_capacity(count);
    for (i, two) in lines.chunks_exact(2).enumerate() {
        let parsed = one(two[0]).zip(one(two[1])).filter(|((_, a), (_, b))| a == b);
        let ((a, mated), (b, _)) =
            parsed.with_context(|| format!("the list of pairs has the lines `{}`, `{}`", two[0], two[1]))?;
        pairs.push(Pair { a, b, mated, fold: consecutive_fold(i, count, 10) });
    }
    Ok(pairs)
}

/// CFP's `Pair_list_F.txt` and `Pair_list_P.txt`: `INDEX PATH` a line, from 1. Paths come as `NNN/frontal/01`.
///
/// # Errors
/// The first line that is of another form or out of order.
pub fn cfp_list(text: &str) -> Result<Vec<String>> {
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let entry = |(i, line): (usize, &str)| {
        let parsed = line.split_once(char::is_whitespace).filter(|(index, _)| index.parse() == Ok(i + 1));
        let (_, path) = parsed.with_context(|| format!("the list of pictures has the line `{line}`"))?;
        Ok(super::pictures::end(path.trim(), 3))
    };
    lines.enumerate().map(entry).collect()
}

/// CFP's `same.txt` and `diff.txt` of one fold: `A,B` a line, places from 1 in the first and second list.
///
/// # Errors
/// The first line that is of another form or leads out of the lists.
pub fn cfp_split(text: &str, lists: [&[String]; 2], mated: bool, fold: usize) -> Result<Vec<Pair<String>>> {
    let entry = |list: &[String], index: &str| {
        let place = index.trim().parse::<usize>().ok()?.checked_sub(1)?;
        list.get(place).cloned()
    };
    let pair = |line: &str| {
        let (a, b) = line.split_once(',')?;
        Some(Pair { a: entry(lists[0], a)?, b: entry(lists[1], b)?, mated, fold })
    };
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    lines.map(|l| pair(l).with_context(|| format!("the split has the line `{l}`"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_lfw_with_and_without_header() {
        let text = "2\t1\nA_B\t1\t4\nA_B\t2\tC\t10\nD 1 2\nD 3 E 1\n";
        let pairs = lfw(text).unwrap();
        assert_eq!((pairs[0].a.as_str(), pairs[0].b.as_str()), ("A_B/A_B_0001", "A_B/A_B_0004"));
        assert_eq!((pairs[1].b.as_str(), pairs[1].mated, pairs[1].fold), ("C/C_0010", false, 0));
        assert_eq!(pairs.iter().map(|p| p.fold).collect::<Vec<_>>(), [0, 0, 1, 1]);
        let without: String = (0..20).map(|i| format!("m.0c{i} 1 2\n")).collect();
        let pairs = lfw(&without).unwrap();
        assert_eq!((pairs[19].fold, pairs[2].fold, pairs[0].a.as_str()), (9, 1, "m.0c0/m.0c0_0001"));
        assert!(lfw("2 1\nA 1 4\n").unwrap_err().to_string().contains("announces 4"));
        assert!(lfw("A 1\n").unwrap_err().to_string().contains("`A 1`"));
    }

    #[test]
    fn two_lines_a_pair() {
        let text = "A_0001.jpg 1\nA_0002.jpg 1\nB_0001.jpg 0\nC_0001.jpg 0\n";
        let pairs = two_lines(text).unwrap();
        assert_eq!(pairs[0], Pair { a: "A_0001.jpg".into(), b: "A_0002.jpg".into(), mated: true, fold: 0 });
        assert!(!pairs[1].mated);
        assert!(two_lines("A 1\nB 0\n").is_err());
    }

    #[test]
    fn splits_of_cfp() {
        let f =
            cfp_list("1 ../Data/Images/001/frontal/01.jpg\n2 ../Data/Images/001/frontal/02.jpg\n").unwrap();
        let p = cfp_list("1 ../Data/Images/001/profile/01.jpg\n").unwrap();
        assert_eq!(f[1], "001/frontal/02");
        let pairs = cfp_split("2,1\n", [&f, &p], true, 3).unwrap();
        assert_eq!((pairs[0].a.as_str(), pairs[0].b.as_str()), ("001/frontal/02", "001/profile/01"));
        assert!(cfp_split("3,1\n", [&f, &p], true, 3).unwrap_err().to_string().contains("`3,1`"));
        assert!(cfp_list("2 a\n").is_err());
    }
}
