#![allow(clippy::all, missing_docs, clippy::unwrap_used, clippy::print_stdout)]
use runbay_sandbox::*;
use std::time::*;
fn main() {
    if std::env::args().nth(1).as_deref() == Some("keeper") { keeper_main().unwrap(); return; }
    let mut c = std::process::Command::new("/proc/self/exe"); c.arg("keeper");
    let keeper = Keeper::launch(c, &Configuration{first_uid: FIRST_UID, max_bays: 64, mounts: vec![], support_files: vec![]}).unwrap();
    let n: usize = std::env::args().nth(1).and_then(|x| x.parse().ok()).unwrap_or(1);
    let argv: Vec<String> = std::env::args().skip(2).collect();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let s = Sandbox::connect(keeper).await.unwrap();
        println!("{:?} {}", s.isolation(), s.cgroups());
        let l = BayLimits{memory_bytes: 128<<20, processes: 64, cpu_time_ms: 5000, open_files: 256, file_bytes: 16<<20, disk_bytes: 64<<20, inodes: 4096};
        let job = Job{ files: vec![File{name: "main.py".into(), content: b"print('hello')\n".to_vec()}], argv: if argv.is_empty() {vec!["/bin/true".into()]} else {argv.clone()}, environment: vec![("PATH".into(),"/usr/bin:/bin".into())]};
        let mut times = vec![]; let mut bare = vec![];
        let gap = std::env::var("GAP").ok().and_then(|g| g.parse().ok()).unwrap_or(0);
        for i in 0..n {
            if gap>0 { tokio::time::sleep(Duration::from_millis(gap)).await; }
            let t = Instant::now();
            let bay = s.bay(l).await.unwrap();
            let t1 = t.elapsed();
            let r = run(bay, &job, b"", &Clocks{wall: Duration::from_secs(5), cpu: Duration::from_secs(5), stdout_bytes: 1<<20, stderr_bytes: 1<<20}).await;
            times.push((t.elapsed(), t1));
            if i == 0 || n<4 { match r { Ok(r) => println!("{:?} {:?} {:?} {:?}\n{}\n{}", r.end, r.stop, r.wall, r.usage, String::from_utf8_lossy(&r.stdout), String::from_utf8_lossy(&r.stderr)), Err(e) => println!("{e:?}") } }
            if gap>0 { tokio::time::sleep(Duration::from_millis(gap)).await; }
            let t = Instant::now();
            let o = tokio::task::block_in_place(|| std::process::Command::new(&job.argv[0]).args(&job.argv[1..]).env_clear().output());
            let _ = o; bare.push(t.elapsed());
        }
        times.sort(); bare.sort();
        println!("sandbox {:?} (made {:?}) bare {:?}", times[n/2].0, times[n/2].1, bare[n/2]);
    });
}
