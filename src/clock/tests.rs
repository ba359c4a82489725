//! Tests of the clock: held, released, moved, made faster, and read meanwhile.

use super::*;

#[test]
fn setting_a_clock_sets_all_clones() {
    let clock = Clock::by_hand(SimTime::from_ms(5));
    let copy = clock.clone();
    clock.set(SimTime::from_ms(9));
    assert_eq!(copy.now().ms(), 9);
    assert_eq!(copy.wait(SimTime::from_ms(10)), None);
}

#[test]
fn a_step_of_the_systems_date_does_not_change_simulated_time() {
    // Simulated time is the date at the start plus monotonic time; the date is not read again.
    let clock = Clock::wall(1.0);
    let origin = SimTime::from_ms(clock.0.line.origin_ms.load(Ordering::Relaxed));
    let passed = clock.now().since_ms(origin);
    assert!(passed.abs_diff(clock.real_ms()) <= 1000, "{passed}");
    let yesterday = Clock::wall_from(1.0, SimTime::from_ms(5));
    assert!(yesterday.now().ms() < 1_000_000, "a date in the past stays in the past");
}

#[test]
fn a_clock_never_starts_before_a_time_that_clients_have_seen() {
    let later = SimTime::from_ms(unix_ms()).after_ms(3_600_000);
    assert!(Clock::wall_after(1.0, later).now() >= later && Clock::wall_after(1.0, later).is_ahead());
    let long_ago = SimTime::from_ms(1_000_000);
    assert!(Clock::wall_after(1.0, long_ago).now().since_ms(long_ago) > 1_600_000_000_000);
}

#[test]
fn a_fast_clock_waits_less() {
    let clock = Clock::wall(100.0);
    let wait = clock.wait(clock.now().after_ms(10_000)).unwrap();
    assert!(wait <= Duration::from_millis(101), "{wait:?}");
    assert_eq!(clock.wait(SimTime::NEVER), None);
    let at = SimTime::from_ms(5);
    assert_eq!(clock.after_real(at, Duration::from_millis(30)), at.after_ms(3_000));
    assert_eq!(Clock::by_hand(at).after_real(at, Duration::MAX), SimTime::NEVER);
}

const T0: SimTime = SimTime::from_ms(1_800_000_000_000);

#[test]
fn a_clock_that_is_held_stands_still_and_goes_on_from_there() {
    let clock = Clock::held_at(10_000.0, T0);
    let copy = clock.clone();
    assert_eq!((copy.now(), copy.is_held(), copy.wait(T0.after_ms(1))), (T0, true, None));
    assert_eq!(copy.now(), T0, "nothing moves it");
    clock.release();
    assert!(!copy.is_held() && copy.wait(T0).is_some());
    // 10,000 simulated milliseconds are a real one.
    while copy.now() < T0.after_ms(30_000) {
        std::hint::spin_loop();
    }
    let held = clock.hold();
    assert!(held >= T0.after_ms(30_000));
    assert_eq!((copy.now(), copy.now()), (held, held));
    assert_eq!(clock.hold(), held, "it is held already");
    assert_eq!((clock.real_ms() > 0, clock.is_by_hand()), (true, false), "real time goes on");
}

#[test]
fn a_jump_and_a_step_go_forward_only() {
    let clock = Clock::held_at(1.0, T0);
    assert_eq!((clock.jump(500), clock.jump(0)), (T0.after_ms(500), T0.after_ms(500)));
    assert_eq!((clock.jump_to(T0), clock.jump_to(T0.after_ms(900))), (T0.after_ms(500), T0.after_ms(900)));
    assert!(clock.step(T0) && clock.now() == T0.after_ms(900));
    assert!(clock.step(T0.after_ms(1000)) && clock.now() == T0.after_ms(1000));
    clock.set(T0);
    assert_eq!(clock.now(), T0.after_ms(1000), "only a clock made by hand is set");
    clock.release();
    assert!(!clock.step(T0.after_ms(1 << 40)), "a clock that runs makes no steps");
    let jumped = clock.jump(3_600_000);
    assert!(jumped >= T0.after_ms(3_601_000) && clock.now() >= jumped && clock.now() < T0.after_ms(1 << 40));
    assert_eq!((clock.jump(u64::MAX), clock.jump_to(SimTime::NEVER)), (SimTime::LATEST, SimTime::LATEST));
    assert_eq!((clock.now(), clock.wait(SimTime::LATEST.after_ms(1))), (SimTime::LATEST, None));
}

#[test]
fn a_new_speed_takes_effect_from_now_on_and_while_held_at_the_release() {
    let clock = Clock::wall_from(0.001, T0);
    assert!(!clock.going().has_new_speed);
    clock.set_speed(10_000.0);
    let going = clock.going();
    assert_eq!((going.held, going.speed, going.has_new_speed), (false, 10_000.0, true));
    while clock.now() < T0.after_ms(10_000) {
        std::hint::spin_loop();
    }
    let held = clock.hold();
    clock.set_speed(2.0);
    assert_eq!(clock.going(), Going { now: held, held: true, speed: 2.0, has_new_speed: true });
    assert_eq!(clock.after_real(held, Duration::from_secs(3)), held.after_ms(6_000));
    clock.release();
    assert!(clock.now() < held.after_ms(1 << 30) && clock.speed() == 2.0);
}

#[test]
fn time_never_goes_backwards_while_the_clock_changes() {
    let clock = Clock::wall_from(10_000.0, T0);
    // The latest time that a thread has seen. A time that was read before it is stored is never later than one read afterwards.
    let seen = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Acquire) {
                        let before = seen.load(Ordering::SeqCst);
                        let now = clock.now().ms();
                        assert!(now >= before, "{before} was seen before {now}");
                        seen.fetch_max(now, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        for n in 0_u32.. {
            match n % 5 {
                0 => assert!(clock.hold() >= T0),
                1 => assert!(clock.step(clock.now().after_ms(3))),
                2 => clock.set_speed(if n % 2 == 0 { 0.001 } else { 10_000.0 }),
                3 => clock.release(),
                _ => assert!(clock.jump(2) > T0),
            }
            // On a busy machine the readers begin late.
            let all_are_seen = n >= 20_000 && seen.load(Ordering::SeqCst) > T0.ms();
            if all_are_seen || readers.iter().any(std::thread::ScopedJoinHandle::is_finished) {
                break;
            }
        }
        stop.store(true, Ordering::Release);
    });
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_when_its_time_has_come_by_a_jump_or_in_real_time_while_held() {
    let clock = Clock::wall_from(1.0, T0);
    let long = 1 << 40;
    let (mut pause, mut news) = (std::pin::pin!(clock.pause(long)), clock.changes());
    tokio::select! {
        biased;
        () = pause.as_mut() => panic!("it has ended at once"),
        () = std::future::ready(()) => {}
    }
    clock.jump(long);
    news.next().await;
    pause.await;
    // tokio's time is paused, so this sleep of hours takes none.
    clock.hold();
    clock.pause(36_000_000).await;
    Clock::by_hand(T0).pause(u64::MAX).await;
}
