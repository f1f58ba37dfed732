//! The sockets of the UDP door: several may listen at one address, so that each thread has its own, and an address of one
//! family never takes the other's datagrams. Next in the flow: `mmsg.rs`.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// How many bytes may wait in the kernel for a thread that is not at its socket just now; what the system allows, if that is
/// less.
const BUFFER: usize = 8 << 20;

/// How long a thread waits for a datagram before it looks whether it should end.
pub(super) const PATIENCE: Duration = Duration::from_millis(250);

/// How often, and after what pause, an address that is in use is tried again: after a process was killed, the kernel takes
/// some time to let go of what its io_uring held.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(50);

/// Opens `count` sockets at one address. With port 0 the system chooses one for all of them.
pub(super) fn open(address: SocketAddr, count: usize) -> io::Result<Vec<UdpSocket>> {
    let first = open_first(address, count > 1)?;
    let address = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..count {
        sockets.push(open_one(address, true)?);
    }
    Ok(sockets)
}

fn open_first(address: SocketAddr, is_shared: bool) -> io::Result<UdpSocket> {
    for _ in 1..TRIES {
        match open_one(address, is_shared) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => thread::sleep(PAUSE),
            opened => return opened,
        }
    }
    open_one(address, is_shared)
}

fn open_one(address: SocketAddr, is_shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Alone, so that a second program at the same address is an error and does not silently take half of the datagrams.
    if is_shared {
        socket.set_reuse_port(true)?;
    }
    // The defaults do too, for fewer clients; the system may grant less than asked.
    let _ = socket.set_recv_buffer_size(BUFFER);
    let _ = socket.set_send_buffer_size(BUFFER);
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}
