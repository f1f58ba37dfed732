//! The two lanes before SQLite's writer: verbs that somebody waits for go first, and what is done in the background goes
//! when there are none, or when it has been passed over for long. Bounded: whoever comes to a full lane waits before it.
//! Knows nothing of verbs. Next: `writer.rs`, which takes from here.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};

/// How many may wait in a lane before callers are made to wait with them.
const MOST_WAITING: usize = 1024;
/// How often the background is passed over before one of it goes first.
const PASSED_OVER: u32 = 8;

/// Which lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Somebody waits for the answer.
    Prompt,
    /// The background: it is the same whether it is done now or a moment later.
    Patient,
}

/// The lanes.
pub(crate) struct Lanes<T> {
    state: Mutex<State<T>>,
    come: Condvar,
    room: Condvar,
}

struct State<T> {
    prompt: VecDeque<T>,
    patient: VecDeque<T>,
    passed_over: u32,
    closed: bool,
}

impl<T> Lanes<T> {
    pub(crate) fn new() -> Self {
        let (prompt, patient) = (VecDeque::new(), VecDeque::new());
        Self {
            state: Mutex::new(State {
                prompt,
                patient,
                passed_over: 0,
                closed: false,
            }),
            come: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// Puts one into a lane, once there is room. False when the lanes are closed.
    pub(crate) fn put(&self, lane: Lane, one: T) -> bool {
        let mut state = self.state.lock();
        while !state.closed && state.lane(lane).len() >= MOST_WAITING {
            self.room.wait(&mut state);
        }
        if state.closed {
            return false;
        }
        state.lane(lane).push_back(one);
        drop(state);
        self.come.notify_one();
        true
    }

    /// Waits for the next; `None` when the lanes are closed and empty.
    pub(crate) fn wait(&self) -> Option<(Lane, T)> {
        let mut state = self.state.lock();
        loop {
            let next = state.next();
            if next.is_some() {
                self.room.notify_all();
                return next;
            }
            if state.closed {
                return None;
            }
            self.come.wait(&mut state);
        }
    }

    /// The next of those that are there, in the prompt lane only or in either.
    pub(crate) fn take(&self, only_prompt: bool) -> Option<(Lane, T)> {
        let mut state = self.state.lock();
        let next = match state.prompt.pop_front() {
            Some(one) => Some((Lane::Prompt, one)),
            None if only_prompt => None,
            None => state.next(),
        };
        if next.is_some() {
            self.room.notify_all();
        }
        next
    }

    /// Whether somebody stands in the prompt lane.
    pub(crate) fn is_hurried(&self) -> bool {
        !self.state.lock().prompt.is_empty()
    }

    /// Lets nobody in any more; what is there can still be taken.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.come.notify_all();
        self.room.notify_all();
    }
}

impl<T> State<T> {
    fn lane(&mut self, lane: Lane) -> &mut VecDeque<T> {
        match lane {
            Lane::Prompt => &mut self.prompt,
            Lane::Patient => &mut self.patient,
        }
    }

    fn next(&mut self) -> Option<(Lane, T)> {
        let first = match self.passed_over {
            PASSED_OVER.. => [Lane::Patient, Lane::Prompt],
            _ => [Lane::Prompt, Lane::Patient],
        };
        let lane = first.into_iter().find(|lane| !self.lane(*lane).is_empty())?;
        self.passed_over = match lane {
            Lane::Prompt if !self.patient.is_empty() => self.passed_over + 1,
            _ => 0,
        };
        let one = self.lane(lane).pop_front()?;
        Some((lane, one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Lane::{Patient, Prompt};

    #[test]
    fn the_prompt_go_first_and_the_patient_are_not_passed_over_for_ever() {
        let lanes = Lanes::new();
        for number in 0..20 {
            assert!(lanes.put(Patient, 100 + number));
            assert!(lanes.put(Prompt, number));
        }
        let order: Vec<_> = (0..10).filter_map(|_| lanes.wait()).collect();
        let prompt = (0..8).map(|number| (Prompt, number));
        let expected = prompt.chain([(Patient, 100), (Prompt, 8)]);
        assert_eq!(order, expected.collect::<Vec<_>>());
    }

    #[test]
    fn who_takes_only_the_prompt_leaves_the_others() {
        let lanes = Lanes::new();
        assert!(lanes.put(Patient, 1) && lanes.put(Prompt, 2));
        assert!(lanes.is_hurried());
        assert_eq!(lanes.take(true), Some((Prompt, 2)));
        assert_eq!(lanes.take(true), None);
        assert!(!lanes.is_hurried());
        assert_eq!(lanes.take(false), Some((Patient, 1)));
        assert_eq!(lanes.take(false), None);
    }

    #[test]
    fn closed_lanes_let_nobody_in_and_give_what_is_there() {
        let lanes = Lanes::new();
        assert!(lanes.put(Patient, 1));
        lanes.close();
        assert!(!lanes.put(Prompt, 2));
        assert_eq!(lanes.wait(), Some((Patient, 1)));
        assert_eq!(lanes.wait(), None);
    }

    #[test]
    fn whoever_comes_to_a_full_lane_is_let_in_once_there_is_room() {
        let lanes = std::sync::Arc::new(Lanes::new());
        for number in 0..MOST_WAITING {
            assert!(lanes.put(Prompt, number));
        }
        let late = std::sync::Arc::clone(&lanes);
        let waiting = std::thread::spawn(move || late.put(Prompt, MOST_WAITING));
        for number in 0..=MOST_WAITING {
            assert_eq!(lanes.wait(), Some((Prompt, number)));
        }
        assert!(waiting.join().expect("no panic"));
    }
}
