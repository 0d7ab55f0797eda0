//! The servers for tests start, can be killed, and come back over their data.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use upnext_testkit::servers;

/// Sends one inline command and reads what comes at once.
fn ask(port: u16, command: &str) -> String {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).expect("it should listen");
    connection.set_read_timeout(Some(Duration::from_secs(5))).expect("a time-out is set");
    connection.write_all(format!("{command}\r\n").as_bytes()).expect("it should read");
    let mut answer = [0; 256];
    let length = connection.read(&mut answer).expect("it should answer");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[test]
fn shared_servers_answer_and_are_the_same_for_all() {
    let valkey = servers::valkey::shared();
    assert_eq!(ask(valkey.port, "PING"), "+PONG\r\n");
    assert_eq!(valkey.port, servers::valkey::shared().port);
    let postgres = servers::postgres::shared();
    assert!(TcpStream::connect(("127.0.0.1", postgres.port)).is_ok());
}

#[test]
fn a_killed_valkey_comes_back_with_what_it_had_made_durable() {
    let mut server = servers::valkey::private(&["appendonly=yes", "appendfsync=always"]);
    assert_eq!(ask(server.port(), "SET kept 1"), "+OK\r\n");
    let port = server.port();
    server.kill();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "a killed server should not listen");
    server.restart();
    assert_eq!(server.port(), port);
    assert_eq!(ask(port, "GET kept"), "$1\r\n1\r\n");
}

#[test]
fn a_postgres_has_a_replica_and_comes_back_after_a_kill() {
    let mut primary = servers::postgres::private(&[]);
    let replica = servers::postgres::replica(&primary, "standby");
    assert!(replica.folder().join("data/standby.signal").exists(), "the replica should stand by");
    primary.kill();
    primary.restart();
    assert!(TcpStream::connect(("127.0.0.1", primary.port())).is_ok());
}
