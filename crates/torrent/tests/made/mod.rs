//! Bencoded values put together by hand, for tests that need torrents which no honest program would make.
//! Next in the flow: `hostile.rs`, `properties.rs`.

use std::collections::BTreeMap;

/// A bencoded value; dictionaries come out sorted.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Int(i64),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Dict(BTreeMap<Vec<u8>, Value>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Bytes(text.as_bytes().to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Value::Bytes(bytes)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Value::List(items)
    }
}

/// A dictionary.
pub(crate) fn dict<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Dict(
        pairs
            .into_iter()
            .map(|(key, value)| (key.as_bytes().to_vec(), value))
            .collect(),
    )
}

impl Value {
    /// The same dictionary with `key` set.
    pub(crate) fn with(self, key: &str, value: impl Into<Value>) -> Value {
        let Value::Dict(mut pairs) = self else { return self };
        pairs.insert(key.as_bytes().to_vec(), value.into());
        Value::Dict(pairs)
    }

    /// The same dictionary without `key`.
    pub(crate) fn without(self, key: &str) -> Value {
        let Value::Dict(mut pairs) = self else { return self };
        pairs.remove(key.as_bytes());
        Value::Dict(pairs)
    }

    /// Its bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        let string = |bytes: &[u8], out: &mut Vec<u8>| {
            out.extend_from_slice(format!("{}:", bytes.len()).as_bytes());
            out.extend_from_slice(bytes);
        };
        match self {
            Value::Int(value) => out.extend_from_slice(format!("i{value}e").as_bytes()),
            Value::Bytes(bytes) => string(bytes, out),
            Value::List(items) => {
                out.push(b'l');
                items.iter().for_each(|item| item.write(out));
                out.push(b'e');
            }
            Value::Dict(pairs) => {
                out.push(b'd');
                for (key, value) in pairs {
                    string(key, out);
                    value.write(out);
                }
                out.push(b'e');
            }
        }
    }
}

/// A v1 file entry.
pub(crate) fn v1_file(size: i64, path: &[&str]) -> Value {
    let path: Vec<Value> = path.iter().map(|component| (*component).into()).collect();
    dict([("length", size.into()), ("path", path.into())])
}

/// Padding in a v1 list.
pub(crate) fn pad(size: i64) -> Value {
    v1_file(size, &[".pad", &size.to_string()]).with("attr", "p")
}

/// A v2 leaf; its root is `fill`, 32 times.
pub(crate) fn v2_file(size: i64, fill: u8) -> Value {
    let leaf = dict([("length", size.into())]);
    let leaf = if size > 0 {
        leaf.with("pieces root", vec![fill; 32])
    } else {
        leaf
    };
    dict([("", leaf)])
}

/// A v1 info dictionary of these files with as many piece hashes as they need, in pieces of 16 KiB.
pub(crate) fn v1_info(files: Vec<Value>, total: u64) -> Value {
    dict([
        ("name", "set".into()),
        ("piece length", 16384.into()),
        ("pieces", vec![b'h'; 20 * total.div_ceil(16384) as usize].into()),
        ("files", files.into()),
    ])
}

/// A v2 info dictionary with this tree, in pieces of 16 KiB.
pub(crate) fn v2_info(tree: Value) -> Value {
    dict([
        ("name", "set".into()),
        ("piece length", 16384.into()),
        ("meta version", 2.into()),
        ("file tree", tree),
    ])
}

/// A torrent file around an info dictionary.
pub(crate) fn torrent(info: Value) -> Vec<u8> {
    dict([("info", info)]).encode()
}
