//! Changes: an operation is a sequence of edits, each of which fills one slot of the journal.

use crate::bytes::Fields;
use crate::person::KeyPlace;
use crate::{EnrolTemplate, Metadata, PersonName, TemplateNote};
use mfn_kernels::Kernels;
use mfn_template::PersonId;

/// How far from 1 the length of a template may be: f32 rounding stays below a hundredth of this.
pub(crate) const LENGTH_TOLERANCE: f32 = 1e-3;

/// One template with what is kept beside it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reference {
    pub(crate) note: TemplateNote,
    pub(crate) values: Box<[f32]>,
}

impl From<&EnrolTemplate> for Reference {
    fn from(new: &EnrolTemplate) -> Reference {
        Reference { note: new.into(), values: new.template.values().into() }
    }
}

/// One step of an operation, about one person.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edit {
    pub(crate) person: PersonId,
    pub(crate) key: KeyPlace,
    pub(crate) what: What,
}

/// What happens to the person.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    New {
        name: PersonName,
        metadata: Metadata,
        reference: Reference,
    },
    Template(Reference),
    Details {
        name: PersonName,
        metadata: Metadata,
    },
    Remove,
    /// Read from a slot whose person's key is destroyed.
    Erased,
    /// Read from a slot that the person's key does not open, or that makes no sense.
    Damaged,
}

impl What {
    /// The kind and the text to be sealed under the person's key.
    pub(crate) fn encode(&self) -> (u8, Vec<u8>) {
        let mut text = Vec::new();
        let kind = match self {
            What::New { name, metadata, reference } => {
                metadata.encode(name, &mut text);
                put_reference(&mut text, reference.note, &reference.values);
                1
            }
            What::Template(reference) => {
                put_reference(&mut text, reference.note, &reference.values);
                2
            }
            What::Details { name, metadata } => {
                metadata.encode(name, &mut text);
                3
            }
            What::Remove | What::Erased | What::Damaged => 4,
        };
        (kind, text)
    }

    /// The reverse; nothing where the text is not of this kind.
    pub(crate) fn decode(kind: u8, text: &[u8], dimension: usize) -> Option<What> {
        let mut fields = Fields(text);
        let what = match kind {
            1 => {
                let (name, metadata) = Metadata::decode(&mut fields)?;
                What::New { name, metadata, reference: take_reference(&mut fields, dimension)? }
            }
            2 => What::Template(take_reference(&mut fields, dimension)?),
            3 => {
                let (name, metadata) = Metadata::decode(&mut fields)?;
                What::Details { name, metadata }
            }
            _ => return None,
        };
        fields.0.is_empty().then_some(what)
    }
}

/// Time, quality, values.
pub(crate) fn put_reference(bytes: &mut Vec<u8>, note: TemplateNote, values: &[f32]) {
    bytes.extend(note.taken_unix.to_le_bytes());
    bytes.extend(note.quality.to_le_bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
}

pub(crate) fn take_reference(fields: &mut Fields<'_>, dimension: usize) -> Option<Reference> {
    let mut values = vec![0.0; dimension].into_boxed_slice();
    let note = take_template(fields, &mut values)?;
    Some(Reference { note, values })
}

/// Fills `values`. Not even a gallery that somebody else sealed may hold a row without a sound
/// length: it would spoil every comparison.
pub(crate) fn take_template(fields: &mut Fields<'_>, values: &mut [f32]) -> Option<TemplateNote> {
    let (taken_unix, quality) = (fields.u64()?, f32::from_bits(fields.u32()?));
    let quads = fields.bytes(4 * values.len())?.as_chunks::<4>().0;
    values.iter_mut().zip(quads).for_each(|(v, quad)| *v = f32::from_le_bytes(*quad));
    let length = Kernels::detect().dot_f32(values, values).sqrt();
    let sound = (length - 1.0).abs() <= LENGTH_TOLERANCE && (0.0..=1.0).contains(&quality);
    sound.then_some(TemplateNote { taken_unix, quality })
}
