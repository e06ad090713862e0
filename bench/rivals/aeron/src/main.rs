// SPDX-License-Identifier: Apache-2.0
//
// The round trip of Aeron's C client over shared memory (aeron:ipc): a number is offered on an exclusive publication, the other process offers it
// back, both poll without sleeping. `wisp-aeron NAME serve` answers until it is killed, with the media driver in one more thread, which is on no
// message's way; `wisp-aeron NAME trip N` makes N trips and prints the median and the 99th percentile, in nanoseconds.
use rusteron_client::{Aeron, AeronContext, AeronExclusivePublication, AeronSubscription, Handlers, IntoCString};
use rusteron_media_driver::{AeronDriver, AeronDriverContext};
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error>;

const CHANNEL: &std::ffi::CStr = c"aeron:ipc";
const THERE: i32 = 1;
const BACK: i32 = 2;
const WARM_UP: u64 = 10_000;
const PATIENCE: Duration = Duration::from_secs(10);

fn connect(dir: &str) -> Result<Aeron, Failure> {
    let begun = Instant::now();
    loop {
        let context = AeronContext::new()?;
        context.set_dir(&dir.into_c_string())?;
        match Aeron::new(&context) {
            Ok(aeron) => {
                aeron.start()?;
                return Ok(aeron);
            }
            Err(why) if begun.elapsed() > PATIENCE => return Err(why.into()),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn open(aeron: &Aeron, out: i32, into: i32) -> Result<(AeronExclusivePublication, AeronSubscription), Failure> {
    let publication = aeron.add_exclusive_publication(CHANNEL, out, PATIENCE)?;
    let subscription = aeron.add_subscription(CHANNEL, into, Handlers::NONE, Handlers::NONE, PATIENCE)?;
    Ok((publication, subscription))
}

fn send(publication: &AeronExclusivePublication, number: u64) {
    while publication.offer(&number.to_ne_bytes()).is_err() {
        std::hint::spin_loop();
    }
}

fn receive(subscription: &AeronSubscription) -> Result<u64, Failure> {
    let mut number = None;
    loop {
        subscription.poll_fn(|bytes, _| number = bytes.try_into().ok().map(u64::from_ne_bytes), 1)?;
        if let Some(number) = number {
            return Ok(number);
        }
    }
}

fn serve(dir: &str) -> Result<(), Failure> {
    let context = AeronDriverContext::new()?;
    context.set_dir_delete_on_start(true)?;
    context.set_dir(&dir.into_c_string())?;
    let _driver = AeronDriver::launch_embedded(context.clone(), false);
    let aeron = connect(dir)?;
    let (publication, subscription) = open(&aeron, BACK, THERE)?;
    loop {
        send(&publication, receive(&subscription)?);
    }
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() < 3 {
        return Err("usage: wisp-aeron NAME serve | NAME trip N".into());
    }
    let dir = format!("/dev/shm/{}", arguments[1]);
    if arguments[2] == "serve" {
        return serve(&dir);
    }
    let trips: u64 = arguments.get(3).ok_or("how many trips?")?.parse()?;
    let aeron = connect(&dir)?;
    let (publication, subscription) = open(&aeron, THERE, BACK)?;
    let begun = Instant::now();
    while !publication.is_connected() || !subscription.is_connected() {
        if begun.elapsed() > PATIENCE {
            return Err("nobody serves".into());
        }
    }
    let mut times = Vec::with_capacity(trips as usize);
    for i in 0..WARM_UP + trips {
        let begin = Instant::now();
        send(&publication, i);
        if receive(&subscription)? != i {
            return Err("another answer".into());
        }
        if i >= WARM_UP {
            times.push(begin.elapsed().as_nanos() as u64);
        }
    }
    times.sort_unstable();
    println!("{} {}", times[times.len() / 2], times[times.len() * 99 / 100]);
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
