//! The forker's loop: requests of the service, reports and deaths of bays.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::time::Instant;

use rustix::event::Timespec;
use rustix::event::epoll;
use rustix::io::Errno;

use super::ground::Ground;
use super::lingering::Lingering;
use super::live_bay::LiveBay;
use super::prepared::Prepared;
use super::shares::Shares;
use crate::packet;
use crate::wire::BayId;
use crate::wire::BayLimits;
use crate::wire::LimitRefusal;
use crate::wire::Refusal;
use crate::wire::Reply;
use crate::wire::Request;
use crate::wire::decode;
use crate::wire::encode;

/// How soon a cgroup that was still busy is removed again.
const RETRY: Duration = Duration::from_millis(5);

/// How long dying bays are waited for after the service is gone.
const FAREWELL: Duration = Duration::from_secs(5);

pub(super) struct Bays {
    service: OwnedFd,
    ground: Ground,
    live: BTreeMap<BayId, LiveBay>,
    free_slots: BTreeSet<u32>,
    /// For the next bay.
    prepared: Option<Prepared>,
    prepared_before: u64,
    shares: Shares,
    /// Bays whose processes are gone but whose cgroup the kernel still holds.
    lingering: Vec<Lingering>,
}

/// What an epoll event is about, packed into its 64 bits of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Service,
    Report(BayId),
    Memory(BayId),
    Death(BayId),
}

impl Source {
    fn pack(self) -> epoll::EventData {
        let (bay, kind) = match self {
            Self::Service => (0, 0),
            Self::Report(bay) => (bay.0, 1),
            Self::Memory(bay) => (bay.0, 2),
            Self::Death(bay) => (bay.0, 3),
        };
        epoll::EventData::new_u64(bay << 2 | kind)
    }

    fn unpack(data: epoll::EventData) -> Self {
        let bay = BayId(data.u64() >> 2);
        match data.u64() & 3 {
            0 => Self::Service,
            1 => Self::Report(bay),
            2 => Self::Memory(bay),
            _ => Self::Death(bay),
        }
    }
}

/// Why the loop ends: the service is gone, or the kernel refused something that it never refuses.
struct Over;

impl From<Errno> for Over {
    fn from(_: Errno) -> Self {
        Self
    }
}

impl Bays {
    pub(super) fn new(service: OwnedFd, ground: Ground, shares: Shares) -> Self {
        let free_slots = (0..ground.configuration.max_bays).collect();
        Self {
            service,
            ground,
            live: BTreeMap::new(),
            free_slots,
            prepared: None,
            prepared_before: 0,
            shares,
            lingering: Vec::new(),
        }
    }

    /// Serves until the service is gone, then kills every bay and removes what they leave.
    pub(super) fn serve(mut self) {
        if let Ok(epoll) = epoll::create(epoll::CreateFlags::CLOEXEC) {
            // It only returns when there is nobody left to tell.
            let Err(Over) = self.work(&epoll);
        }
        self.bury_all();
    }

    fn work(&mut self, epoll: &OwnedFd) -> Result<std::convert::Infallible, Over> {
        watch_service(epoll, self.service.as_fd())?;
        let mut events = [MaybeUninit::uninit(); 64];
        loop {
            let retry = (!self.lingering.is_empty()).then_some(RETRY);
            let next = [retry, self.shares.next_in()].into_iter().flatten().min();
            let timeout = next.and_then(|next| Timespec::try_from(next).ok());
            let ready = match epoll::wait(epoll, &mut events, timeout.as_ref()) {
                Err(Errno::INTR) => continue,
                result => result?.0,
            };
            for event in &*ready {
                match Source::unpack(event.data) {
                    Source::Service => self.serve_request(epoll)?,
                    Source::Report(bay) => self.hear_report(bay)?,
                    Source::Memory(bay) => self.hear_memory_event(bay),
                    Source::Death(bay) => self.bury(epoll, bay)?,
                }
            }
            self.remove_lingering();
            self.share_out_cpus();
            if self.prepared.is_none() {
                // If it cannot be made now, the next bay tries again and tells why.
                self.prepared = self.prepare().ok();
            }
        }
    }

    fn prepare(&mut self) -> Result<Prepared, Refusal> {
        let Some(slot) = self.free_slots.pop_first() else {
            return Err(Refusal::NoFreeBay(self.ground.configuration.max_bays));
        };
        self.prepared_before += 1;
        Prepared::make(&self.ground, slot, self.prepared_before).map_err(|error| {
            self.free_slots.insert(slot);
            error.into()
        })
    }

    fn serve_request(&mut self, epoll: &OwnedFd) -> Result<(), Over> {
        let packet = packet::receive(&self.service)?.ok_or(Over)?;
        match decode(&packet.bytes).map_err(|_| Over)? {
            Request::Make { bay, limits } => self.make(epoll, bay, &limits),
            Request::Limit { bay, limits } => self.limit(bay, &limits),
            Request::CpuWait { bay } => self.tell_cpu_wait(bay),
            Request::Kill { bay } => {
                if let Some(bay) = self.live.get_mut(&bay) {
                    bay.kill();
                }
                Ok(())
            }
        }
    }

    fn make(&mut self, epoll: &OwnedFd, id: BayId, limits: &BayLimits) -> Result<(), Over> {
        let prepared = match self.prepared.take() {
            Some(prepared) => prepared,
            None => match self.prepare() {
                Ok(prepared) => prepared,
                Err(error) => return self.tell(&Reply::Refused { bay: id, error }, &[]),
            },
        };
        let slot = prepared.slot;
        match LiveBay::make(&self.ground, prepared, limits) {
            Err(error) => {
                self.free_slots.insert(slot);
                self.tell(&Reply::Refused { bay: id, error: error.into() }, &[])
            }
            Ok((bay, service_ends)) => {
                watch_bay(epoll, bay.reports(), Source::Report(id))?;
                watch_bay(epoll, bay.pidfd(), Source::Death(id))?;
                if let Some(event) = bay.memory_event() {
                    watch_bay(epoll, event, Source::Memory(id))?;
                }
                let fds: Vec<_> = service_ends.iter().map(AsFd::as_fd).collect();
                self.live.insert(id, bay);
                self.tell(&Reply::Made { bay: id }, &fds)
            }
        }
    }

    fn limit(&mut self, id: BayId, limits: &BayLimits) -> Result<(), Over> {
        // What pid 1 said before counts, whichever socket was read first.
        self.hear_report(id)?;
        let refusal = match self.live.get_mut(&id) {
            Some(bay) => bay.limit(limits).err(),
            None => Some(LimitRefusal::NotParked),
        };
        self.tell(&Reply::Limited { bay: id, refusal }, &[])
    }

    fn tell_cpu_wait(&self, id: BayId) -> Result<(), Over> {
        // Who asks about a bay that is dead by now is told of that.
        let Some(bay) = self.live.get(&id) else { return Ok(()) };
        let waited_us = bay.cpu_wait_us(&self.ground);
        self.tell(&Reply::CpuWait { bay: id, waited_us }, &[])
    }

    fn share_out_cpus(&mut self) {
        if self.ground.cgroups.is_some() {
            let mut running: Vec<_> = self.live.values_mut().filter(|bay| bay.is_running()).collect();
            self.shares.share_out(&mut running);
        }
    }

    fn hear_report(&mut self, id: BayId) -> Result<(), Over> {
        let Some(bay) = self.live.get_mut(&id) else { return Ok(()) };
        match bay.hear() {
            Some((end, usage)) => self.tell(&Reply::Ended { bay: id, end, usage }, &[]),
            None => Ok(()),
        }
    }

    fn hear_memory_event(&mut self, id: BayId) {
        if let Some(bay) = self.live.get_mut(&id) {
            bay.hear_memory_event();
        }
    }

    /// Reaps a bay whose pid 1, and with it every process of its pid namespace, is dead.
    fn bury(&mut self, epoll: &OwnedFd, id: BayId) -> Result<(), Over> {
        // Its last words may still wait in the socket.
        self.hear_report(id)?;
        let Some(mut bay) = self.live.remove(&id) else { return Ok(()) };
        for fd in [Some(bay.reports()), Some(bay.pidfd()), bay.memory_event()].into_iter().flatten() {
            epoll::delete(epoll, fd)?;
        }
        bay.reap();
        let silent = bay.end_silently();
        self.lingering.push(Lingering::new(bay, &self.ground));
        match silent {
            Some((end, usage)) => self.tell(&Reply::Ended { bay: id, end, usage }, &[]),
            None => Ok(()),
        }
    }

    fn remove_lingering(&mut self) {
        let ground = &self.ground;
        let free_slots = &mut self.free_slots;
        // One at a time, so that no crowd of them takes the host's CPUs.
        let mut is_at_work = self.lingering.iter().any(Lingering::is_at_work);
        self.lingering.retain_mut(|bay| {
            let removed = bay.advance(ground, !is_at_work);
            is_at_work |= bay.is_at_work();
            if removed {
                free_slots.insert(bay.slot());
            }
            !removed
        });
    }

    fn tell(&self, reply: &Reply, fds: &[BorrowedFd<'_>]) -> Result<(), Over> {
        Ok(packet::send(&self.service, &encode(reply), fds)?)
    }

    fn bury_all(mut self) {
        for bay in self.live.values_mut() {
            bay.kill();
        }
        let deadline = Instant::now() + FAREWELL;
        for (_, mut bay) in std::mem::take(&mut self.live) {
            if bay.await_death(deadline) {
                bay.reap();
            }
            self.lingering.push(Lingering::last(bay));
        }
        while !self.lingering.is_empty() && Instant::now() < deadline {
            self.remove_lingering();
            if !self.lingering.is_empty() {
                std::thread::sleep(RETRY);
            }
        }
        if let Some(prepared) = self.prepared.take() {
            prepared.discard(&self.ground);
        }
        if let Some(cgroups) = &self.ground.cgroups {
            // What stays is removed by the next forker.
            _ = cgroups.remove();
        }
    }
}

/// Watches the service, whose requests are heard one at a time.
fn watch_service(epoll: &OwnedFd, service: BorrowedFd<'_>) -> Result<(), Errno> {
    epoll::add(epoll, service, Source::Service.pack(), epoll::EventFlags::IN)
}

/// Watches a bay for news only: its sockets and events stay readable while it dies, which a program can draw out.
fn watch_bay(epoll: &OwnedFd, fd: BorrowedFd<'_>, source: Source) -> Result<(), Errno> {
    epoll::add(epoll, fd, source.pack(), epoll::EventFlags::IN | epoll::EventFlags::ET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_survives_packing() {
        let bay = BayId(1 << 60);
        for source in [Source::Service, Source::Report(bay), Source::Memory(bay), Source::Death(bay)] {
            assert_eq!(Source::unpack(source.pack()), source);
        }
    }
}
