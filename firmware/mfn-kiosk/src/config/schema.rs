//! The macro that turns one list of settings into structures, defaults and documentation,
//! so that a setting is written in one place and `mfn-kiosk config` cannot forget it.

/// One section of the configuration file.
pub struct Section {
    /// Its TOML table.
    pub name: &'static str,
    /// What it is about, one entry a line.
    pub doc: &'static [&'static str],
    /// Its settings, in the order in which they are printed.
    pub keys: &'static [Key],
}

/// One setting.
pub struct Key {
    /// Its TOML key.
    pub name: &'static str,
    /// What it means, one entry a line.
    pub doc: &'static [&'static str],
    /// The least and the largest value of a number.
    pub range: Option<(f64, f64)>,
}

/// Declares sections and settings: `section: Struct { key: Type = default, in [least, largest]; }`.
macro_rules! settings {
    ($(
        $(#[doc = $sdoc:literal])+
        $section:ident: $name:ident {
            $( $(#[doc = $kdoc:literal])+ $key:ident: $ty:ty = $default:expr $(, in [$lo:literal, $hi:literal])?; )+
        }
    )+) => {
        /// Every setting as the configuration file spells it; not yet checked beyond types.
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Settings { $( $(#[doc = $sdoc])+ pub $section: $name, )+ }

        $(
            $(#[doc = $sdoc])+
            #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
            #[serde(default, deny_unknown_fields)]
            pub struct $name { $( $(#[doc = $kdoc])+ pub $key: $ty, )+ }

            impl Default for $name {
                fn default() -> $name { $name { $( $key: $default, )+ } }
            }
        )+

        /// Names, meanings and ranges of all settings.
        pub const SECTIONS: &[Section] = &[ $( Section {
            name: stringify!($section),
            doc: &[ $($sdoc),+ ],
            keys: &[ $( Key {
                name: stringify!($key),
                doc: &[ $($kdoc),+ ],
                range: settings!(@range $($lo, $hi)?),
            } ),+ ],
        } ),+ ];
    };
    (@range) => { None };
    (@range $lo:literal, $hi:literal) => { Some(($lo, $hi)) };
}

pub(crate) use settings;
