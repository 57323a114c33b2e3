//! Programs that leave files behind which are hard to handle. Nobody has to: they go away with their file system.

use serde_json::json;

use crate::arena::Arena;
use crate::arena::said;
use crate::attack::Attack;
use crate::attack::answer;

#[tokio::test]
async fn names_that_break_scripts_are_names() {
    let said = said(
        "
        import os
        from attack import answer, attempt
        names = [b'a\\nb', b'-rf', b'--', b'..x', b'...', b' ', b'*', b'$(id)', b'`id`', b'\\xff\\xfe', b'x' * 255,
                 '\\u202egpj.exe'.encode(), b'\\x1b]0;title\\x07', b'con', b'a;b', b'\\\\', b'\"', b\"'\"]
        made = [attempt(os.close, os.open(b'/box/' + name, os.O_CREAT | os.O_WRONLY)) for name in names]
        longest = attempt(os.open, b'/box/' + b'x' * 256, os.O_CREAT | os.O_WRONLY)
        answer(made=sorted(set(made)), all=set(names) <= set(os.listdir(b'/box')), longest=longest)
    ",
    )
    .await;
    assert_eq!(said, json!({"made": ["done"], "all": true, "longest": "ENAMETOOLONG"}));
}

#[tokio::test]
async fn what_cannot_be_removed_by_its_owner_goes_away_as_well() {
    let arena = Arena::open().await;
    let leave = "
        import os, socket
        from attack import answer
        for _ in range(400):
            os.mkdir('d')
            os.chdir('d')
        open('file', 'w').close()
        os.mkfifo('fifo')
        socket.socket(socket.AF_UNIX).bind('socket')
        os.link('file', 'another')
        os.symlink('loop', 'loop')
        os.chmod('file', 0)
        os.chmod('.', 0)
        os.chmod('/box/d', 0)
        os.chmod('/box', 0)
        os.chmod('/tmp', 0) if os.stat('/tmp').st_uid == os.getuid() else None
        answer(done=True)
    ";
    assert_eq!(answer(&arena.run(&Attack::new(leave)).await), json!({"done": true}));
    arena.close().await;
}

/// Inputs are in place before the program runs, so it can only swap them for itself, and nobody reads them afterwards.
#[tokio::test]
async fn inputs_that_are_swapped_for_links_harm_nobody() {
    let arena = Arena::open().await;
    let swap = "
        import os
        from attack import answer
        for name in ('main.py', 'attack.py'):
            os.unlink(name)
            os.symlink('/etc/passwd', name)
        os.rename('/box/main.py', '/box/x')
        os.mkfifo('main.py')
        answer(there=sorted(set(os.listdir('/box')) - {'__pycache__'}))
    ";
    assert_eq!(answer(&arena.run(&Attack::new(swap)).await), json!({"there": ["attack.py", "main.py", "x"]}));
    arena.close().await;
}
