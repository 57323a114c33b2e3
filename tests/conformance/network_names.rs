//! Names that programs look up on a host without a network: its own, those of services and of protocols.

use std::net::IpAddr;

use crate::host::Host;

/// Prints an address of the host's own name, and the port of http where the language can look for it.
const PROGRAMS: &[(&str, &str)] = &[
    (
        "python",
        "import socket\nprint(socket.gethostbyname(socket.gethostname()), socket.getservbyname('http'))\n\
         assert socket.gethostbyname_ex(socket.gethostname())[0] == socket.gethostname()\n\
         assert socket.getprotobyname('tcp') == 6 and socket.getservbyport(22) == 'ssh'\n\
         assert socket.getaddrinfo(socket.gethostname(), 'https', socket.AF_INET6)[0][4][:2] == ('::1', 443)\n",
    ),
    (
        "javascript",
        "require('dns').lookup(require('os').hostname(), (error, address) => console.log(error ?? address));\n",
    ),
    (
        "java",
        "class Main { public static void main(String[] args) throws Exception {\n\
         System.out.println(java.net.InetAddress.getLocalHost().getHostAddress()); } }\n",
    ),
    (
        "c",
        "#include <arpa/inet.h>\n#include <netdb.h>\n#include <stdio.h>\n#include <unistd.h>\n\
         int main(void) {\n\
             char name[256], address[64];\n\
             struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;\n\
             gethostname(name, sizeof name);\n\
             if (getaddrinfo(name, \"http\", &hints, &found) || getprotobyname(\"udp\")->p_proto != 17) return 1;\n\
             struct sockaddr_in *in = (void *)found->ai_addr;\n\
             printf(\"%s %d\\n\", inet_ntop(AF_INET, &in->sin_addr, address, sizeof address), ntohs(in->sin_port));\n\
         }\n",
    ),
    (
        "go",
        "package main\nimport (\"fmt\"; \"net\"; \"os\")\nfunc main() {\n\
         name, _ := os.Hostname()\nfound, _ := net.LookupHost(name)\nport, _ := net.LookupPort(\"tcp\", \"ldap\")\n\
         fmt.Println(found[0], port - 389 + 80)\n}\n",
    ),
    (
        "rust",
        "use std::net::ToSocketAddrs;\nfn main() {\n\
         let name = std::fs::read_to_string(\"/etc/hostname\").unwrap();\n\
         println!(\"{}\", (name.trim(), 80).to_socket_addrs().unwrap().next().unwrap().ip());\n}\n",
    ),
    (
        "ruby",
        "require 'socket'\n\
         puts \"#{IPSocket.getaddress(Socket.gethostname)} #{Socket.getservbyname('http')}\"\n",
    ),
    (
        "php",
        "<?php echo gethostbyname(gethostname()), ' ', getservbyname('http', 'tcp') + getprotobyname('tcp') - 6, \"\\n\";\n",
    ),
    (
        "perl",
        "use Socket;\nuse Sys::Hostname;\n\
         print inet_ntoa(scalar gethostbyname(hostname())), ' ', scalar getservbyname('http', 'tcp'), \"\\n\";\n\
         die unless getprotobyname('icmp') == 1;\n",
    ),
    ("bash", "getent ahosts \"$HOSTNAME\" | { read -r address rest; echo \"$address\"; }\n"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_own_name_and_well_known_ones_are_found() {
    let host = Host::open().await;
    for (language, code) in PROGRAMS {
        let printed = host.printed(language, code).await;
        let words: Vec<_> = printed.split_ascii_whitespace().collect();
        let address: Option<IpAddr> = words.first().and_then(|word| word.parse().ok());
        assert!(address.is_some_and(|address| address.is_loopback()), "{language}: {printed}");
        assert!(words.get(1).is_none_or(|port| *port == "80"), "{language}: {printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_are_unknown_at_once() {
    let host = Host::of("python").await;
    let code = "import socket\n\
        for look in (lambda: socket.gethostbyname('example.com'), lambda: socket.getservbyname('no-such')):\n\
        \x20   try: print(look())\n\
        \x20   except OSError as error: print(type(error).__name__)\n";
    assert_eq!(host.printed("python", code).await, "gaierror\nOSError\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_universal_and_the_system_has_a_name() {
    let host = Host::of("python").await;
    let code = "import platform, time, pwd\nfrom pathlib import Path\n\
        print(time.tzname[0], Path('/etc/timezone').read_text().strip(), pwd.getpwnam('nobody').pw_uid)\n\
        assert Path('/usr/lib/os-release').exists() == Path('/etc/os-release').exists()\n";
    assert_eq!(host.printed("python", code).await, "UTC Etc/UTC 65534\n");
}
