//! Deliveries, retries, and the queue of events.

use super::*;

const T0: SimTime = SimTime::from_ms(1_000_000);
const SMALL: Size = Size { events: 4, bytes: 1 << 20, replay: 4 };

fn subscribed(policy: DeliveryRetryPolicy) -> Subscriptions {
    let mut all = Subscriptions::of_size(&SMALL);
    let asked = Box::new(Wanted { policy: Some(policy), ..Wanted::default() });
    assert_eq!(all.execute(Command::Subscribe { asked, most: 1 }, 0), Ok(Some(1)));
    all
}

fn publish(all: &mut Subscriptions, number: u64) -> usize {
    all.publish(Queued { number, at: T0.after_ms(number), what: What::PoweredOn, node: None })
}

fn due(all: &mut Subscriptions) -> Vec<u32> {
    let mut due = Vec::new();
    all.take_due(|id| due.push(id));
    due
}

fn numbers(all: &Subscriptions) -> Vec<u64> {
    all.batch(1).map_or(Vec::new(), |(_, events)| events.map(|queued| queued.number).collect())
}

#[test]
fn events_are_delivered_once_and_in_order_with_one_delivery_at_a_time() {
    let mut all = subscribed(DeliveryRetryPolicy::RetryForever);
    publish(&mut all, 1);
    publish(&mut all, 2);
    assert_eq!((due(&mut all), numbers(&all)), (vec![1], vec![1, 2]));
    publish(&mut all, 3);
    assert_eq!(due(&mut all), [0; 0], "one delivery is under way");
    all.delivered(1, 2, true, T0);
    assert_eq!((due(&mut all), numbers(&all)), (vec![1], vec![3]));
    all.delivered(1, 3, true, T0);
    assert_eq!((due(&mut all), all.newest()), (vec![], 0), "a delivered event takes no memory");
}

#[test]
fn a_failed_delivery_is_repeated_and_the_policy_ends_it() {
    for (policy, last) in [
        (DeliveryRetryPolicy::TerminateAfterRetries, None),
        (DeliveryRetryPolicy::SuspendRetries, Some(true)),
        (DeliveryRetryPolicy::RetryForever, Some(false)),
    ] {
        let mut all = subscribed(policy);
        publish(&mut all, 1);
        let mut now = T0;
        for _ in 0..=Settings::NEW.attempts {
            assert_eq!(due(&mut all), [1], "{policy:?}");
            all.delivered(1, 1, false, now);
            now = now.after_ms(30_000);
            all.step(now);
        }
        assert_eq!(all.get(1).map(|subscription| subscription.suspended), last, "{policy:?}");
    }
}

#[test]
fn the_time_between_retries_doubles_up_to_an_hour() {
    let mut all = subscribed(DeliveryRetryPolicy::RetryForeverWithBackoff);
    publish(&mut all, 1);
    let mut waits = Vec::new();
    for _ in 0..9 {
        assert_eq!(due(&mut all), [1]);
        all.delivered(1, 1, false, T0);
        waits.push(all.next_deadline().since_ms(T0) / 1000);
        all.step(all.next_deadline());
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
}

#[test]
fn a_suspended_subscriber_gets_what_the_queue_still_has() {
    let mut all = subscribed(DeliveryRetryPolicy::RetryForever);
    all.execute(Command::Suspend(1), 0).unwrap();
    for number in 1..=3 {
        assert_eq!(publish(&mut all, number), 0);
    }
    assert_eq!(due(&mut all), [0; 0]);
    all.execute(Command::Resume { id: 1, since: Some(T0.after_ms(2)) }, 3).unwrap();
    assert_eq!((due(&mut all), numbers(&all)), (vec![1], vec![2, 3]), "those that are young enough");
}

#[test]
fn a_delivery_that_is_under_way_during_a_suspension_is_neither_repeated_nor_joined_by_another_one() {
    for resumed_before_its_end in [true, false] {
        for (good, then) in [(true, vec![2, 3]), (false, vec![1, 2, 3])] {
            let mut all = subscribed(DeliveryRetryPolicy::RetryForever);
            publish(&mut all, 1);
            assert_eq!((due(&mut all), numbers(&all)), (vec![1], vec![1]));
            all.execute(Command::Suspend(1), 1).unwrap();
            publish(&mut all, 2);
            let resume = |all: &mut Subscriptions| {
                all.execute(Command::Resume { id: 1, since: None }, 2).unwrap();
                publish(all, 3);
            };
            if resumed_before_its_end {
                resume(&mut all);
                assert_eq!(due(&mut all), [0; 0], "one delivery is under way");
            }
            assert!(all.delivered(1, 1, good, T0));
            if !resumed_before_its_end {
                assert_eq!((due(&mut all), all.next_deadline()), (vec![], SimTime::NEVER), "it is suspended");
                resume(&mut all);
            }
            all.step(T0.after_ms(30_000));
            assert_eq!((due(&mut all), numbers(&all)), (vec![1], then), "{resumed_before_its_end} {good}");
            assert!(!all.get(1).unwrap().has_failed() || resumed_before_its_end);
        }
    }
}

#[test]
fn a_suspension_goes_on_after_a_restart_in_the_middle_of_a_delivery() {
    let mut all = subscribed(DeliveryRetryPolicy::RetryForever);
    publish(&mut all, 1);
    assert_eq!(due(&mut all), [1]);
    all.execute(Command::Suspend(1), 1).unwrap();
    let stored = serde_json::to_string(&all).unwrap();
    let mut all: Subscriptions = serde_json::from_str(&stored).unwrap();
    assert_eq!(due(&mut all), [0; 0]);
    all.execute(Command::Resume { id: 1, since: None }, 1).unwrap();
    assert_eq!((due(&mut all), numbers(&all)), (vec![1], vec![1]));
}

#[test]
fn a_full_queue_loses_its_oldest_events_and_counts_them() {
    let mut all = subscribed(DeliveryRetryPolicy::RetryForever);
    let lost: usize = (1..=6).map(|number| publish(&mut all, number)).sum();
    assert_eq!((lost, numbers(&all)), (2, vec![3, 4, 5, 6]));
}

#[test]
fn the_queue_keeps_the_last_events_for_readers_of_the_stream() {
    let mut all = Subscriptions::of_size(&SMALL);
    publish(&mut all, 1);
    assert_eq!(all.newest(), 0, "nobody reads");
    let asked = Box::new(Wanted { is_stream: true, ..Wanted::default() });
    all.execute(Command::Subscribe { asked, most: 1 }, 1).unwrap();
    for number in 2..=9 {
        publish(&mut all, number);
    }
    assert_eq!(all.from(8).map(|queued| queued.number).collect::<Vec<_>>(), [8, 9]);
    assert_eq!(all.from(0).count(), 4);
}

fn reader(all: &mut Subscriptions, after: u64) -> u32 {
    let asked = Box::new(Wanted { is_stream: true, ..Wanted::default() });
    all.execute(Command::Subscribe { asked, most: 9 }, after).unwrap().unwrap()
}

#[test]
fn the_queue_holds_what_a_client_of_the_stream_has_not_read() {
    let mut all = Subscriptions::default();
    let id = reader(&mut all, 0);
    let many = Size::OF_BMC.replay as u64 + 100;
    let lost: usize = (1..=many).map(|number| publish(&mut all, number)).sum();
    assert_eq!((lost, all.oldest()), (0, Some(1)));
    all.advance(id, many + 1);
    assert_eq!(all.oldest(), Some(101), "the last ones stay for clients that connect again");
    all.end_streams();
    assert_eq!(all.oldest(), Some(101));
}

#[test]
fn a_slow_client_of_the_stream_is_cut_off_and_holds_nothing_any_more() {
    let mut all = Subscriptions::of_size(&SMALL);
    let slow = reader(&mut all, 0);
    let fast = reader(&mut all, 0);
    for number in 1..=4 {
        publish(&mut all, number);
    }
    all.advance(fast, 4);
    let is_cut_off = |all: &Subscriptions, id| all.get(id).unwrap().is_cut_off();
    assert!(!is_cut_off(&all, slow), "the queue holds what it has not read");
    assert_eq!(
        publish(&mut all, 5),
        0,
        "an event that only a client of the stream misses is not lost in silence"
    );
    assert!(is_cut_off(&all, slow) && !is_cut_off(&all, fast));
    all.advance(slow, 6);
    assert!(is_cut_off(&all, slow));
    all.advance(fast, 6);
    assert_eq!(all.oldest(), Some(2), "only the last events stay");
}

#[test]
fn a_queue_is_bounded_in_bytes_too() {
    static FEW_BYTES: Size = Size { events: 1000, bytes: 10_000, replay: 4 };
    let mut all = Subscriptions::of_size(&FEW_BYTES);
    let asked = Box::new(Wanted::default());
    all.execute(Command::Subscribe { asked, most: 1 }, 0).unwrap();
    let test = |length: usize| {
        let message = Some("x".repeat(length).into());
        What::Test(Box::new(TestEvent { message, ..TestEvent::default() }))
    };
    let mut publish = |number, length| all.publish(Queued { number, at: T0, what: test(length), node: None });
    assert_eq!((1..=3).map(|number| publish(number, 2000)).sum::<usize>(), 0);
    assert_eq!(publish(4, 4000), 1);
    assert_eq!(publish(5, 20_000), 3, "the newest event is kept whatever its size");
    assert_eq!((all.oldest(), all.newest()), (Some(5), 5));
    let stored: Subscriptions = serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
    let again = Queue::with(&FEW_BYTES, stored.queue.iter().cloned().collect());
    assert_eq!(again, all.queue, "the size of a stored queue is counted again");
    all.execute(Command::Delete(1), 5).unwrap();
    assert_eq!(all.queue, Queue::of_size(all.queue.size()));
}
