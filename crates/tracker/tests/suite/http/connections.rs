//! Connections: kept or ended, filled with requests or byte by byte, slow, idle, too many, and at the end.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use shoal_tracker::http::{HEAD_SECONDS, HttpDoor, HttpSettings, IDLE_SECONDS, TAKE_SECONDS};
use shoal_tracker::{Clock, Mode, Settings, Tracker};

use super::{Client, Door, announce};

#[test]
fn requests_sent_at_once_are_answered_in_order() {
    let tracker = Tracker::new(Settings {
        mode: Mode::Open,
        max_peers_per_address: 0,
        ..Settings::new(1)
    });
    let door = Door::of(tracker, HttpSettings::new(1));
    let mut client = door.connect();
    let all: String = (1..=500).map(announce).collect();
    // More than is read at once, and cut anywhere.
    assert!(all.len() > 64 * 1024);
    let mut other = client.socket.try_clone().expect("it is a socket");
    let sender = std::thread::spawn(move || other.write_all(all.as_bytes()).expect("it is taken"));
    for n in 1..=500 {
        let answer = client.answer();
        assert!(
            answer.text().contains(&format!("10:incompletei{n}e")),
            "{n}: {}",
            answer.text()
        );
    }
    sender.join().expect("all is sent");
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let door = Door::usual();
    let mut client = door.connect();
    let text = announce(7);
    for byte in text.bytes().chain(text.bytes()) {
        client.send([byte]);
    }
    assert_eq!((client.answer().status, client.answer().status), (200, 200));
    let (start, end) = text.split_at(text.len() - 1);
    client.send(start);
    client.send(format!("{end}{start}"));
    assert_eq!(client.answer().status, 200);
    client.send(end);
    assert_eq!(client.answer().status, 200);
}

#[test]
fn a_connection_ends_when_its_client_wants_and_not_before() {
    let door = Door::usual();
    let close = announce(1).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let old = announce(2).replace("HTTP/1.1", "HTTP/1.0");
    for request in [&close, &old] {
        let mut client = door.connect();
        let answer = client.ask(format!("{request}{}", announce(3)));
        assert!(
            answer.status == 200 && answer.has_header("Connection: close"),
            "{}",
            answer.head
        );
        client.expect_end();
    }
    let kept = old.replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n");
    let mut client = door.connect();
    for _ in 0..3 {
        assert!(
            client.ask(&kept).has_header("Connection: keep-alive"),
            "HTTP/1.0 is told"
        );
    }
    let mut half = door.connect();
    half.send(announce(4));
    half.finish_writing();
    assert_eq!(half.answer().status, 200, "who has said all is still answered");
    half.expect_end();
}

#[test]
fn a_head_has_to_be_whole_in_time_however_busily_it_comes() {
    let door = Door::usual();
    let (mut slow, mut silent, mut late) = (door.connect(), door.connect(), door.connect());
    assert_eq!(late.ask(announce(7)).status, 200);
    slow.send("GET /ann");
    door.pass(u64::from(HEAD_SECONDS) / 2);
    slow.send("ounce?in");
    late.send("GET");
    door.pass(u64::from(HEAD_SECONDS) / 2);
    let answer = slow.answer();
    assert!(
        answer.status == 408 && answer.has_header("Connection: close"),
        "{}",
        answer.head
    );
    slow.expect_end();
    silent.expect_end();
    assert_eq!(late.ask(&announce(7)[3..]).status, 200, "it began later");
}

#[test]
fn an_idle_connection_is_kept_for_a_minute() {
    let door = Door::usual();
    let (mut idle, mut busy) = (door.connect(), door.connect());
    assert_eq!(
        (idle.ask(announce(7)).status, busy.ask(announce(8)).status),
        (200, 200)
    );
    door.pass(u64::from(IDLE_SECONDS) - 1);
    assert_eq!(busy.ask(announce(8)).status, 200);
    door.pass(1);
    idle.expect_end();
    assert_eq!(busy.ask(announce(8)).status, 200);
}

/// Sends short requests with long answers without reading, until the listener takes no more; how many were sent whole.
fn stuff(door: &Door, client: &mut Client) -> usize {
    client.socket.set_nonblocking(true).expect("it is a socket");
    let text = "GET / HTTP/1.1\r\n\r\n";
    let all = text.repeat(1000);
    let (mut sent, mut before) = (0, usize::MAX);
    while sent != before {
        before = sent;
        while let Ok(length) = client.socket.write(&all.as_bytes()[sent % text.len()..]) {
            sent += length;
        }
        // Whatever it would still take it takes before it answers others.
        door.turn();
    }
    client.socket.set_nonblocking(false).expect("it is a socket");
    sent / text.len()
}

#[test]
fn answers_have_to_be_taken_in_time() {
    let door = Door::usual();
    let mut deaf = door.connect();
    stuff(&door, &mut deaf);
    let mut other = door.connect();
    assert_eq!(
        other.ask(announce(7)).status,
        200,
        "others are answered meanwhile"
    );
    // What the system still takes off our hands begins the time anew, but that has an end.
    let reset = (0..1000).find_map(|_| {
        door.pass(u64::from(TAKE_SECONDS));
        deaf.socket.take_error().expect("it is a socket")
    });
    assert!(reset.is_some(), "what it sent and nobody read is thrown away");
    let mut other = door.connect();
    assert_eq!(other.ask(announce(7)).status, 200);
}

#[test]
fn answers_that_are_taken_late_but_in_time_are_whole() {
    let door = Door::usual();
    let mut client = door.connect();
    let sent = stuff(&door, &mut client);
    assert!(sent > 1000, "{sent}");
    for n in 0..sent {
        assert_eq!(client.answer().status, 404, "{n} of {sent}");
    }
}

#[test]
fn beyond_its_share_an_address_is_answered_and_not_kept() {
    let few = HttpSettings {
        max_connections_per_address: 3,
        ..HttpSettings::new(1)
    };
    let door = Door::open(few);
    let mut kept: Vec<_> = (0..3).map(|_| door.connect()).collect();
    for client in &mut kept {
        assert_eq!(client.ask(announce(7)).status, 200);
    }
    // What is there at once is answered; who comes without a request is let go at once.
    let mut fourth = door.connect();
    fourth.expect_end();
    for client in &mut kept {
        assert_eq!(
            client.ask(announce(7)).status,
            200,
            "those who were there are not concerned"
        );
    }
    kept.pop();
    let back = (0..).map(|_| door.connect()).find_map(|mut client| {
        // The place is free as soon as the other end is seen.
        client.socket.write_all(announce(9).as_bytes()).ok()?;
        (client.more() && !client.answer().has_header("Connection: close")).then_some(client)
    });
    assert!(back.is_some_and(|mut client| client.ask(announce(9)).status == 200));
}

#[test]
fn a_full_house_lets_nobody_in_and_nobody_down() {
    let few = HttpSettings {
        max_connections: 2,
        ..HttpSettings::new(1)
    };
    let door = Door::open(few);
    let mut kept: Vec<_> = (0..2).map(|_| door.connect()).collect();
    for client in &mut kept {
        assert_eq!(client.ask(announce(7)).status, 200);
    }
    door.connect().expect_end();
    for client in &mut kept {
        assert_eq!(client.ask(announce(7)).status, 200);
    }
}

#[test]
fn a_stop_answers_what_has_come_and_ends_all_connections() {
    let door = Door::open(threads(2));
    let mut idle: Vec<_> = (0..20).map(|_| door.connect()).collect();
    for client in &mut idle {
        assert_eq!(client.ask(announce(7)).status, 200);
    }
    let mut asking: Vec<_> = (0..20).map(|_| door.connect()).collect();
    for client in asking.iter_mut().chain(&mut idle[..10]) {
        client.send(announce(7));
    }
    drop(door);
    for client in asking.iter_mut().chain(&mut idle[..10]) {
        assert_eq!(client.answer().status, 200);
        client.expect_end();
    }
    idle[10..].iter_mut().for_each(Client::expect_end);
}

#[test]
fn threads_share_a_port_that_nobody_else_gets() {
    let door = Door::open(threads(4));
    let mut clients: Vec<_> = (0..64).map(|_| door.connect()).collect();
    for (client, port) in clients.iter_mut().zip(1..) {
        assert_eq!(client.ask(announce(port)).status, 200);
    }
    assert_eq!(door.tracker.totals().peers4, 64);
    let at = door.door.addresses().to_vec();
    for n in [1, 4] {
        let error = listen(&at, n).expect_err("it is taken");
        assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}");
        assert!(
            error.to_string().contains(&at[0].to_string()),
            "it says where: {error}"
        );
    }
    drop(door);
    drop(clients);
    assert_eq!(listen(&at, 4).expect("it is free again").addresses(), at);
}

/// The usual settings, with so many threads.
fn threads(threads: usize) -> HttpSettings {
    HttpSettings {
        threads,
        ..HttpSettings::new(1)
    }
}

/// A door at these addresses.
fn listen(listen: &[SocketAddr], n: usize) -> std::io::Result<HttpDoor> {
    let tracker = Arc::new(Tracker::new(Settings::new(1)));
    let settings = HttpSettings {
        listen: listen.to_vec(),
        ..threads(n)
    };
    HttpDoor::open(&settings, &tracker, &(Arc::new(Duration::default) as Clock))
}

#[test]
fn both_families_are_listened_to_on_one_port() {
    let any = TcpListener::bind("[::]:0").and_then(|socket| socket.local_addr());
    let port = any.expect("this machine has IPv6").port();
    let both = [
        SocketAddr::from(([0; 4], port)),
        SocketAddr::from(([0_u16; 8], port)),
    ];
    let door = listen(&both, 2).expect("sockets of two families do not meet");
    assert_eq!(door.addresses(), both);
}
