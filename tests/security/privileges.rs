//! Programs that want rights, or the parts of the kernel that are no use in a bay.

use std::fmt::Write;

use runbay_sandbox::ProgramEnd;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::core_limit;
use crate::arena::is_root;
use crate::arena::said;
use crate::attack::Attack;
use crate::attack::text;

/// Makes each call with six zeros; returns the answers in the same order.
async fn answers(calls: &[libc::c_long]) -> Vec<Value> {
    let source = format!("from attack import answer, call\nanswer(answers=[call(number) for number in {calls:?}])");
    said(&source).await["answers"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_program_has_no_rights() {
    let said = said(
        "
        from attack import answer
        status = dict(line.strip().split(':\\t') for line in open('/proc/self/status') if line.startswith(('Cap', 'NoNew', 'Seccomp:')))
        answer(
            capabilities=sorted({int(status[name], 16) for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')}),
            locks=[status['NoNewPrivs'], status['Seccomp']],
        )
    ",
    )
    .await;
    assert_eq!(said, json!({"capabilities": [0], "locks": ["1", "2"]}));
}

#[tokio::test]
async fn nobody_becomes_another_user() {
    let said = said(
        "
        import os
        from attack import answer, attempt
        answer(
            uid=attempt(os.setuid, 0), uids=attempt(os.setresuid, 0, 0, 0), other=attempt(os.setuid, 1001),
            gid=attempt(os.setgid, 0), groups=attempt(os.setgroups, [0]), still=os.getresuid(),
        )
    ",
    )
    .await;
    // Without a user for pid 1 a bay has no root that one could become.
    let root = if is_root() { "EPERM" } else { "EINVAL" };
    let expected = json!({
        "uid": root, "uids": root, "other": "EINVAL", "gid": root, "groups": "EPERM", "still": [1000, 1000, 1000],
    });
    assert_eq!(said, expected);
}

#[tokio::test]
async fn dangerous_calls_are_refused() {
    let calls = [
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_fsopen,
        libc::SYS_fsmount,
        libc::SYS_fsconfig,
        libc::SYS_fspick,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_mount_setattr,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kcmp,
        libc::SYS_pidfd_getfd,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_keyctl,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_open_by_handle_at,
        libc::SYS_name_to_handle_at,
        libc::SYS_fanotify_init,
        libc::SYS_quotactl,
        libc::SYS_quotactl_fd,
        libc::SYS_acct,
        libc::SYS_syslog,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_adjtimex,
        libc::SYS_clock_adjtime,
        libc::SYS_mbind,
        libc::SYS_move_pages,
        libc::SYS_migrate_pages,
        libc::SYS_set_mempolicy,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_vhangup,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_kexec_file_load,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_iopl,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_ioperm,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_modify_ldt,
    ];
    for (call, answer) in calls.into_iter().zip(answers(&calls).await) {
        assert_eq!(answer, "EPERM", "system call {call}");
    }
}

#[tokio::test]
async fn calls_that_cannot_be_looked_into_are_absent() {
    let calls = [
        libc::SYS_clone3,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_sched_setattr,
        // The first one that the rules do not know, and one that no kernel has.
        467,
        1_000_000,
    ];
    for (call, answer) in calls.into_iter().zip(answers(&calls).await) {
        assert_eq!(answer, "ENOSYS", "system call {call}");
    }
}

#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn other_ways_into_the_kernel_are_closed() {
    const X32: libc::c_long = 0x4000_0000;
    let calls = [X32 + libc::SYS_getpid, X32 + libc::SYS_mount, X32 + 512, X32 + 547];
    for (call, answer) in calls.into_iter().zip(answers(&calls).await) {
        assert_eq!(answer, "ENOSYS", "system call {call:#x}");
    }

    let arena = Arena::open().await;
    // mov eax, 20 (getpid); int 0x80; ret
    let old = "
        import ctypes, mmap
        code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        code.write(bytes.fromhex('b814000000cd80c3'))
        address = ctypes.addressof(ctypes.c_char.from_buffer(code))
        print(ctypes.CFUNCTYPE(ctypes.c_int)(address)())
    ";
    let report = arena.run(&Attack::new(old)).await;
    // A kernel without 32-bit calls answers with a fault.
    let ended = matches!(report.end, ProgramEnd::Signalled(libc::SIGSYS | libc::SIGSEGV));
    assert!(ended, "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn clone_makes_no_namespaces() {
    let flags = [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWNET,
    ];
    let said = said(&format!(
        "
        import os
        from attack import answer, call
        def clone(flags):
            child = call({}, flags | 17)
            if child == 0: os._exit(0)
            return child if isinstance(child, str) else 'done'
        answer(namespaces=[clone(flag) for flag in {flags:?}], high=clone({} | 1 << 40), plain=clone(0))
    ",
        libc::SYS_clone,
        libc::CLONE_NEWUSER
    ))
    .await;
    assert_eq!(said, json!({"namespaces": vec!["EPERM"; flags.len()], "high": "EPERM", "plain": "done"}));
}

#[tokio::test]
async fn terminals_cannot_be_fed() {
    let said = said(&format!(
        "
        from attack import answer, call
        ioctl = lambda request: call({}, 0, request, 0)
        answer(sti=ioctl(0x5412), sti_high=ioctl(0x5412 | 1 << 32), linux=ioctl(0x541c), get=ioctl(0x5401))
    ",
        libc::SYS_ioctl
    ))
    .await;
    assert_eq!(said, json!({"sti": "EPERM", "sti_high": "EPERM", "linux": "EPERM", "get": "ENOTTY"}));
}

#[tokio::test]
async fn sockets_have_a_few_families_types_and_protocols() {
    let said = said(&format!(
        "
        from attack import answer, call
        made, paired = set(), set()
        for family in range(64):
            for kind in range(16):
                for protocol in (0, 1, 2, 6, 12, 16, 17, 33, 58, 132, 136, 255, 262):
                    fd = call({}, family, kind, protocol)
                    if isinstance(fd, int):
                        made.add((family, kind, protocol))
                        call({}, fd)
                    elif fd == 'EPERM' or family in (1, 2, 10, 16): continue
                    else: made.add((family, kind, protocol, fd))
                if family != 1 and call({}, family, kind, 0, 0) != 'EPERM': paired.add((family, kind))
        answer(made=sorted(made), paired=sorted(paired))
    ",
        libc::SYS_socket,
        libc::SYS_close,
        libc::SYS_socketpair
    ))
    .await;
    assert_eq!(said["paired"], json!([]));
    let inet = |family| [[family, 1, 0], [family, 1, 6], [family, 2, 0], [family, 2, 17]];
    let mut allowed = vec![[1, 1, 0], [1, 1, 1], [1, 2, 0], [1, 2, 1], [1, 3, 0], [1, 3, 1], [1, 5, 0], [1, 5, 1]];
    allowed.extend(inet(2));
    allowed.extend(inet(10));
    allowed.extend([[16, 2, 0], [16, 3, 0]]);
    for made in said["made"].as_array().expect("a list") {
        assert!(allowed.iter().any(|socket| *made == json!(socket)), "{made}");
    }
}

#[tokio::test]
async fn limits_and_priorities_go_one_way() {
    let said = said(
        "
        import os, resource
        from attack import answer, attempt
        hard = {}
        def raised(name):
            number = getattr(resource, 'RLIMIT_' + name)
            now = resource.getrlimit(number)[1]
            # Without a limit there is nothing to raise: what the stack may be is what memory allows.
            if now == resource.RLIM_INFINITY: return name != 'STACK'
            try: resource.setrlimit(number, (now + 1, now + 1))
            except (ValueError, OSError): return False
            return True
        names = ('CPU', 'FSIZE', 'STACK', 'NPROC', 'NOFILE', 'MEMLOCK', 'MSGQUEUE', 'NICE', 'RTPRIO', 'SIGPENDING')
        answer(
            raised=[name for name in names if raised(name)],
            core=[resource.getrlimit(resource.RLIMIT_CORE), attempt(lambda: resource.prlimit(0, resource.RLIMIT_CORE, (0, 0)))],
            nice=attempt(os.setpriority, os.PRIO_PROCESS, 0, -1),
            realtime=attempt(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(1)),
            score=open('/proc/self/oom_score_adj').read().strip(),
        )
    ",
    )
    .await;
    let limit = core_limit(":");
    let expected = json!({
        "raised": [], "core": [[limit, limit], "EPERM"], "nice": "EACCES", "realtime": "EPERM", "score": "1000",
    });
    assert_eq!(said, expected);
}

#[tokio::test]
async fn programs_with_the_setuid_bit_give_no_rights() {
    let mut source = String::from("import os, subprocess\nfrom attack import answer\nprinted = []\n");
    for program in ["/usr/bin/su", "/usr/bin/mount", "/usr/bin/passwd", "/usr/bin/newgrp"] {
        _ = write!(
            source,
            "
if os.path.exists('{program}'):
    child = subprocess.Popen(['{program}'], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    printed.append(os.stat(f'/proc/{{child.pid}}').st_uid)
    child.kill()
"
        );
    }
    source.push_str("answer(users=sorted(set(printed)))\n");
    let said = said(&source).await;
    assert!(said["users"] == json!([1000]) || said["users"] == json!([]), "{said}");
}
