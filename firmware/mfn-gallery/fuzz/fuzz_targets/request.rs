//! The socket's messages: a frame's header, then a request of any bytes. What is understood must survive
//! being sent again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mfn_admin::{HEADER, MAX_REPLY, MAX_REQUEST, Reply, Request, body_length};

fuzz_target!(|input: &[u8]| {
    if let Some((header, _)) = input.split_first_chunk::<HEADER>() {
        let _ = body_length(*header, MAX_REQUEST).map(|length| assert!(length <= MAX_REQUEST));
        let _ = body_length(*header, MAX_REPLY).map(|length| assert!(length <= MAX_REPLY));
    }
    for json in [input, input.get(HEADER..).unwrap_or_default()] {
        let _ = Reply::parse(json);
        let Ok(request) = Request::parse(json) else { continue };
        let Ok(frame) = request.frame() else { continue };
        assert!(Request::parse(&frame[HEADER..]).is_ok(), "a request that cannot be sent on");
    }
});
