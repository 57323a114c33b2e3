//! Machines that take runs from one queue, and may die. Times are milliseconds.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::collections::VecDeque;

use crate::machine::Machine;
use crate::random::Random;
use crate::scenario::Scenario;

pub(crate) struct Outcome {
    /// From arrival to start, of runs that no machine lost.
    pub(crate) delays: Vec<f64>,
    /// From arrival to end, of those among them that take the least CPU time.
    pub(crate) answers: Vec<f64>,
    /// From the death of the machine to the next start, of runs that it lost.
    pub(crate) recoveries: Vec<f64>,
    pub(crate) arrived: usize,
    pub(crate) finished: usize,
    pub(crate) longest_queue: usize,
}

struct Run {
    arrived: f64,
    cpu: f64,
    started: f64,
    lost: Option<f64>,
    ended: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrival,
    Start { machine: usize, run: usize },
    End { machine: usize, generation: u32 },
    Death,
    Replacement,
    Push { run: usize },
}

struct World {
    scenario: Scenario,
    random: Random,
    now: f64,
    /// By the bits of the time, which order like the number as long as it is not negative.
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    event_count: u64,
    queue: VecDeque<usize>,
    /// Machines with a free slot, the one that has waited longest first.
    waiting: VecDeque<usize>,
    machines: BTreeMap<usize, Machine>,
    runs: Vec<Run>,
    longest_queue: usize,
}

/// Simulates until every run that arrived has ended.
pub(crate) fn simulate(scenario: Scenario) -> Outcome {
    let mut world = World {
        random: Random::seeded(scenario.seed),
        now: 0.0,
        events: BinaryHeap::new(),
        event_count: 0,
        queue: VecDeque::new(),
        waiting: (0..scenario.machines).collect(),
        machines: (0..scenario.machines).map(|number| (number, Machine::default())).collect(),
        runs: Vec::new(),
        longest_queue: 0,
        scenario,
    };
    if let Some((death, replacement)) = world.scenario.death {
        world.plan(death, Event::Death);
        world.plan(replacement, Event::Replacement);
    }
    world.plan(0.0, Event::Arrival);
    while let Some(Reverse((time, _, event))) = world.events.pop() {
        world.now = f64::from_bits(time);
        world.handle(event);
    }
    world.outcome()
}

impl World {
    fn plan(&mut self, time: f64, event: Event) {
        self.event_count += 1;
        self.events.push(Reverse((time.to_bits(), self.event_count, event)));
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Arrival => self.arrive(),
            Event::Push { run } => self.push(run),
            Event::Start { machine, run } => self.start(machine, run),
            Event::End { machine, generation } => self.end(machine, generation),
            Event::Death => self.die(),
            Event::Replacement => {
                let number = self.scenario.machines;
                self.machines.insert(number, Machine { updated: self.now, ..Machine::default() });
                self.waiting.push_back(number);
                self.hand_out();
            }
        }
    }

    fn arrive(&mut self) {
        let run = self.runs.len();
        let mut share = self.random.fraction() * 1000.0;
        let mut cpu = 0.0;
        for (part, time) in self.scenario.mix {
            cpu = *time;
            share -= f64::from(*part);
            if share < 0.0 {
                break;
            }
        }
        self.runs.push(Run { arrived: self.now, cpu, started: 0.0, lost: None, ended: None });
        self.push(run);
        let next = self.now + self.random.exponential() * self.scenario.mean_interval();
        if next < self.scenario.duration {
            self.plan(next, Event::Arrival);
        }
    }

    fn push(&mut self, run: usize) {
        // Retries keep their turn, which is before that of everything that came later.
        let place = self.queue.partition_point(|other| *other < run);
        self.queue.insert(place, run);
        self.hand_out();
    }

    fn hand_out(&mut self) {
        while !self.queue.is_empty() {
            let Some(number) = self.waiting.pop_front() else {
                break;
            };
            let machine = self.machines.get_mut(&number).expect("machines are not removed");
            if machine.is_dead {
                continue;
            }
            let Some(run) = self.queue.pop_front() else {
                break;
            };
            machine.taken.insert(run);
            machine.claims_until =
                machine.claims_until.max(self.now + self.scenario.costs.dispatch) + self.scenario.costs.claim;
            let start = machine.claims_until;
            if machine.taken.len() < self.scenario.slots {
                self.waiting.push_back(number);
            }
            self.plan(start, Event::Start { machine: number, run });
        }
        self.longest_queue = self.longest_queue.max(self.queue.len());
    }

    fn start(&mut self, number: usize, run: usize) {
        let now = self.now;
        let cores = self.scenario.cores;
        let cpu = self.runs[run].cpu;
        let machine = self.machines.get_mut(&number).expect("machines are not removed");
        if machine.is_dead {
            return;
        }
        self.runs[run].started = now;
        machine.serve(now, cores);
        machine.running.insert(((machine.service + cpu).to_bits(), run));
        self.foresee(number);
    }

    fn end(&mut self, number: usize, generation: u32) {
        let (now, cores) = (self.now, self.scenario.cores);
        let machine = self.machines.get_mut(&number).expect("machines are not removed");
        if machine.is_dead || machine.generation != generation {
            return;
        }
        machine.serve(now, cores);
        let (_, run) = machine.running.pop_first().expect("an end was foreseen for it");
        let was_full = machine.taken.len() == self.scenario.slots;
        machine.taken.remove(&run);
        assert_eq!(self.runs[run].ended.replace(now), None, "a run ended twice");
        if was_full {
            self.waiting.push_back(number);
        }
        self.foresee(number);
        self.hand_out();
    }

    /// Plans the end of the program that ends first if nothing changes.
    fn foresee(&mut self, number: usize) {
        let cores = self.scenario.cores;
        let machine = self.machines.get_mut(&number).expect("machines are not removed");
        machine.generation += 1;
        let generation = machine.generation;
        if let Some((end, _)) = machine.running.first() {
            let left = (f64::from_bits(*end) - machine.service).max(0.0);
            let time = self.now + left / machine.speed(cores);
            self.plan(time, Event::End { machine: number, generation });
        }
    }

    /// Kills the first machine; its runs are found when its lease has expired.
    fn die(&mut self) {
        let machine = self.machines.get_mut(&0).expect("there is a first machine");
        machine.is_dead = true;
        let lost = std::mem::take(&mut machine.taken);
        let costs = &self.scenario.costs;
        let last_heartbeat = self.now - self.random.fraction() * costs.heartbeat;
        let found = last_heartbeat + costs.lease + self.random.fraction() * costs.sweep;
        let retry = costs.retry;
        for run in lost {
            self.runs[run].lost = Some(self.now);
            let pause = retry * (1.0 + self.random.fraction()) / 2.0;
            self.plan(found + pause, Event::Push { run });
        }
    }

    fn outcome(self) -> Outcome {
        // A machine dies when all are at work; without that, the time in which they get there is left out.
        let first = self.scenario.death.map_or(self.scenario.duration / 5.0, |(death, _)| death);
        let shortest = self.scenario.mix[0].1;
        let unharmed = || self.runs.iter().filter(|run| run.lost.is_none() && run.arrived >= first);
        let answers = unharmed().filter(|run| run.cpu <= shortest);
        Outcome {
            delays: unharmed().map(|run| run.started - run.arrived).collect(),
            answers: answers.filter_map(|run| Some(run.ended? - run.arrived)).collect(),
            recoveries: self.runs.iter().filter_map(|run| Some(run.started - run.lost?)).collect(),
            arrived: self.runs.len(),
            finished: self.runs.iter().filter(|run| run.ended.is_some()).count(),
            longest_queue: self.longest_queue,
        }
    }
}
