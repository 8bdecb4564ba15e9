//! InsightFace's `.bin`: a Python pickle of (list of encoded pictures, list of booleans), and nothing else.
//!
//! A pickle can ask its reader to run code; this one knows only the opcodes for tuples, lists, byte strings,
//! booleans and small numbers, and refuses every other.

use anyhow::{Context, Result, bail, ensure};
use std::collections::HashMap;
use std::ops::Range;

/// Pictures as places in the file's bytes, and whether each two consecutive ones are mated.
#[derive(Clone, Debug, PartialEq)]
pub struct Bin {
    /// Where each encoded picture lies.
    pub pictures: Vec<Range<usize>>,
    /// One a pair: whether pictures 2i and 2i + 1 show the same person.
    pub mated: Vec<bool>,
}

#[derive(Clone, Debug)]
enum Value {
    Mark,
    Bytes(Range<usize>),
    Flag(bool),
    Number,
    /// Lists and tuples: places in the machine's `lists`, so that what a memo names can grow.
    List(usize),
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    lists: Vec<Vec<Value>>,
    memo: HashMap<usize, Value>,
}

/// Reads the structure; the pictures themselves are not decoded.
///
/// # Errors
/// When the file is cut short, uses any other opcode, or is not of this form.
pub fn parse(bytes: &[u8]) -> Result<Bin> {
    let mut machine = Machine { bytes, at: 0, stack: Vec::new(), lists: Vec::new(), memo: HashMap::new() };
    while machine.step().with_context(|| format!("at byte {} of the pickle", machine.at))? {}
    let Some(Value::List(top)) = machine.stack.pop() else { bail!("the pickle holds no tuple") };
    let lists: Vec<&Vec<Value>> = machine.lists[top].iter().filter_map(|v| machine.list(v)).collect();
    let [pictures, mated] = lists[..] else {
        bail!("the pickle is not (list of pictures, list of booleans)")
    };
    let picture = |v: &Value| match v {
        Value::Bytes(range) => Ok(range.clone()),
        _ => bail!("the first list holds something that is no picture"),
    };
    let flag = |v: &Value| match v {
        Value::Flag(flag) => Ok(*flag),
        _ => bail!("the second list holds something that is no boolean"),
    };
    let pictures = pictures.iter().map(picture).collect::<Result<Vec<_>>>()?;
    let mated = mated.iter().map(flag).collect::<Result<Vec<_>>>()?;
    ensure!(
        pictures.len() == 2 * mated.len() && !mated.is_empty(),
        "there are {} pictures for {} pairs",
        pictures.len(),
        mated.len()
    );
    Ok(Bin { pictures, mated })
}

impl Machine<'_> {
    fn list(&self, value: &Value) -> Option<&Vec<Value>> {
        if let Value::List(index) = value { self.lists.get(*index) } else { None }
    }

    /// Runs one opcode; `false` at the end of the pickle. Names as in Python's pickletools.
    fn step(&mut self) -> Result<bool> {
        let opcode = self.take(1)?.start;
        match self.bytes[opcode] {
            0x80 => self.skip(1)?,                       // PROTO
            0x95 => self.skip(8)?,                       // FRAME
            b'(' => self.stack.push(Value::Mark),        // MARK
            b']' | b')' => self.push_list(Vec::new()),   // EMPTY_LIST, EMPTY_TUPLE
            b'e' => self.append_all()?,                  // APPENDS
            b'a' => self.append_one()?,                  // APPEND
            b'l' | b't' => self.collect()?,              // LIST, TUPLE
            0x86 => self.tuple(2)?,                      // TUPLE2
            b'C' | b'U' => self.push_bytes(1)?,          // SHORT_BINBYTES, SHORT_BINSTRING
            b'B' | b'T' => self.push_bytes(4)?,          // BINBYTES, BINSTRING
            0x8e => self.push_bytes(8)?,                 // BINBYTES8
            0x88 => self.stack.push(Value::Flag(true)),  // NEWTRUE
            0x89 => self.stack.push(Value::Flag(false)), // NEWFALSE
            b'I' => self.decimal()?,                     // INT, also I01 and I00
            b'K' => self.skip_number(1)?,                // BININT1
            b'M' => self.skip_number(2)?,                // BININT2
            b'J' => self.skip_number(4)?,                // BININT
            b'q' => self.remember(1)?,                   // BINPUT
            b'r' => self.remember(4)?,                   // LONG_BINPUT
            0x94 => self.remember_next()?,               // MEMOIZE
            b'h' => self.recall(1)?,                     // BINGET
            b'j' => self.recall(4)?,                     // LONG_BINGET
            b'.' => return Ok(false),                    // STOP
            other => bail!("opcode {other:#04x} is not allowed: this is no InsightFace .bin"),
        }
        Ok(true)
    }

    fn skip(&mut self, bytes: usize) -> Result<()> {
        self.take(bytes).map(|_| ())
    }

    fn take(&mut self, len: usize) -> Result<Range<usize>> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let end = end.context("the file is cut short")?;
        let range = self.at..end;
        self.at = end;
        Ok(range)
    }

    fn number(&mut self, len: usize) -> Result<usize> {
        let range = self.take(len)?;
        let little = self.bytes[range].iter().rev().fold(0_u64, |n, b| n << 8 | u64::from(*b));
        Ok(usize::try_from(little)?)
    }

    fn push_list(&mut self, items: Vec<Value>) {
        self.stack.push(Value::List(self.lists.len()));
        self.lists.push(items);
    }

    fn push_bytes(&mut self, width: usize) -> Result<()> {
        let len = self.number(width)?;
        let range = self.take(len)?;
        self.stack.push(Value::Bytes(range));
        Ok(())
    }

    fn skip_number(&mut self, width: usize) -> Result<()> {
        self.take(width)?;
        self.stack.push(Value::Number);
        Ok(())
    }

    /// Protocols 0 and 1 write booleans as `I01` and `I00`.
    fn decimal(&mut self) -> Result<()> {
        let rest = &self.bytes[self.at..];
        let len = rest.iter().take(24).position(|b| *b == b'\n').context("a number has no end")?;
        let value = match &rest[..len] {
            b"01" => Value::Flag(true),
            b"00" => Value::Flag(false),
            _ => Value::Number,
        };
        self.at += len + 1;
        self.stack.push(value);
        Ok(())
    }

    fn since_mark(&mut self) -> Result<Vec<Value>> {
        let mark = self.stack.iter().rposition(|v| matches!(v, Value::Mark)).context("a mark is missing")?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    fn collect(&mut self) -> Result<()> {
        let items = self.since_mark()?;
        self.push_list(items);
        Ok(())
    }

    fn tuple(&mut self, len: usize) -> Result<()> {
        let first = self.stack.len().checked_sub(len).context("the stack is empty")?;
        let items = self.stack.split_off(first);
        self.push_list(items);
        Ok(())
    }

    fn append_all(&mut self) -> Result<()> {
        let items = self.since_mark()?;
        self.top_list()?.extend(items);
        Ok(())
    }

    fn append_one(&mut self) -> Result<()> {
        let item = self.stack.pop().context("the stack is empty")?;
        self.top_list()?.push(item);
        Ok(())
    }

    fn top_list(&mut self) -> Result<&mut Vec<Value>> {
        match self.stack.last() {
            Some(Value::List(index)) => Ok(&mut self.lists[*index]),
            _ => bail!("something is appended to what is no list"),
        }
    }

    fn remember(&mut self, width: usize) -> Result<()> {
        let key = self.number(width)?;
        let value = self.stack.last().context("the stack is empty")?.clone();
        self.memo.insert(key, value);
        Ok(())
    }

    fn remember_next(&mut self) -> Result<()> {
        let value = self.stack.last().context("the stack is empty")?.clone();
        self.memo.insert(self.memo.len(), value);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<()> {
        let key = self.number(width)?;
        let value = self.memo.get(&key).context("a memo is missing")?.clone();
        self.stack.push(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `pickle.dumps(([b'ab', b'cde', b'ab', b'f'], [True, False]), protocol)` of Python 3.11.
    const PROTOCOL_3: &[u8] =
        b"\x80\x03]q\0(C\x02abq\x01C\x03cdeq\x02h\x01C\x01fq\x03e]q\x04(\x88\x89e\x86q\x05.";
    const PROTOCOL_4: &[u8] = b"\x80\x04\x95\x1e\0\0\0\0\0\0\0]\x94(C\x02ab\x94C\x03cde\x94h\x01C\x01f\x94e]\x94(\x88\x89e\x86\x94.";
    /// The same by Python 2, protocol 2, whose byte strings are SHORT_BINSTRING.
    const PYTHON_2: &[u8] =
        b"\x80\x02]q\0(U\x02abq\x01U\x03cdeq\x02h\x01U\x01fq\x03e]q\x04(\x88\x89e\x86q\x05.";

    #[test]
    fn every_protocol_in_use_is_read() {
        for file in [PROTOCOL_3, PROTOCOL_4, PYTHON_2] {
            let bin = parse(file).unwrap();
            let pictures: Vec<&[u8]> = bin.pictures.iter().map(|r| &file[r.clone()]).collect();
            assert_eq!(pictures, [&b"ab"[..], b"cde", b"ab", b"f"]);
            assert_eq!(bin.mated, [true, false]);
        }
    }

    #[test]
    fn code_and_broken_files_are_refused() {
        // `os.system` as a pickle would call it.
        let error = format!("{:#}", parse(b"cos\nsystem\n(S'true'\ntR.").unwrap_err());
        assert!(error.contains("0x63"), "{error}");
        for len in 0..PROTOCOL_3.len() {
            assert!(parse(&PROTOCOL_3[..len]).is_err(), "{len} bytes");
        }
        assert!(parse(b"\x80\x03]q\0(C\x02abe](\x88e\x86.").is_err(), "one picture for a pair");
        assert!(parse(b"\x80\x03B\xff\xff\xff\xff").is_err());
    }
}
