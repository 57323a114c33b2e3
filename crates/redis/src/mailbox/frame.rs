//! What a receiver says to the sender of a message.

/// One thing that a receiver says; its first byte tells which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// It works on the message.
    Working,
    /// The reply, which is the last frame.
    Reply(Vec<u8>),
}

impl Frame {
    pub(super) fn encode(self) -> Vec<u8> {
        match self {
            Self::Working => b"w".to_vec(),
            Self::Reply(mut body) => {
                body.insert(0, b'r');
                body
            }
        }
    }

    /// Reads a frame; none if it has another form.
    pub(super) fn decode(mut bytes: Vec<u8>) -> Option<Self> {
        match bytes.first() {
            Some(b'w') if bytes.len() == 1 => Some(Self::Working),
            Some(b'r') => Some(Self::Reply(bytes.split_off(1))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_as_they_were_sent() {
        for frame in [Frame::Working, Frame::Reply(Vec::new()), Frame::Reply(b"w".to_vec()), Frame::Reply(vec![0, 255])]
        {
            assert_eq!(Frame::decode(frame.clone().encode()), Some(frame));
        }
    }

    #[test]
    fn other_bytes_are_no_frame() {
        for bytes in [&b""[..], b"ww", b"x", b"\"begun\""] {
            assert_eq!(Frame::decode(bytes.to_vec()), None);
        }
    }
}
