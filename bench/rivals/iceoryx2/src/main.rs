// SPDX-License-Identifier: Apache-2.0
//
// The round trip of iceoryx2, as its own benchmark makes it: a number is published, the other process publishes it again, both look without
// sleeping. `wisp-iceoryx2 NAME serve` answers until it is killed; `wisp-iceoryx2 NAME trip N` makes N trips and prints the median and the 99th
// percentile, in nanoseconds.
use iceoryx2::prelude::*;
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;
type Service = iceoryx2::service::port_factory::publish_subscribe::PortFactory<ipc::Service, u64, ()>;

const WARM_UP: u64 = 10_000;

fn open(node: &Node<ipc::Service>, name: &str) -> Result<Service, Failure> {
    Ok(node
        .service_builder(&name.try_into()?)
        .publish_subscribe::<u64>()
        .max_publishers(1)
        .max_subscribers(1)
        .history_size(0)
        .subscriber_max_buffer_size(1)
        .enable_safe_overflow(true)
        .open_or_create()?)
}

fn main() -> Result<(), Failure> {
    set_log_level(LogLevel::Error);
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() < 3 {
        return Err("usage: wisp-iceoryx2 NAME serve | NAME trip N".into());
    }
    let node = NodeBuilder::new().create::<ipc::Service>()?;
    let (there, back) = (open(&node, &format!("{}-there", arguments[1]))?, open(&node, &format!("{}-back", arguments[1]))?);
    if arguments[2] == "serve" {
        let (subscriber, publisher) = (there.subscriber_builder().create()?, back.publisher_builder().create()?);
        loop {
            if let Some(sample) = subscriber.receive()? {
                publisher.loan_uninit()?.write_payload(*sample).send()?;
            }
        }
    }
    let (publisher, subscriber) = (there.publisher_builder().create()?, back.subscriber_builder().create()?);
    let trips: u64 = arguments.get(3).ok_or("how many trips?")?.parse()?;
    let begun = Instant::now();
    while there.dynamic_config().number_of_subscribers() == 0 || back.dynamic_config().number_of_publishers() == 0 {
        if begun.elapsed().as_secs() > 10 {
            return Err("nobody serves".into());
        }
    }
    let mut times = Vec::with_capacity(trips as usize);
    for i in 0..WARM_UP + trips {
        let begin = Instant::now();
        publisher.loan_uninit()?.write_payload(i).send()?;
        loop {
            if let Some(sample) = subscriber.receive()? {
                if *sample != i {
                    return Err("another answer".into());
                }
                break;
            }
        }
        if i >= WARM_UP {
            times.push(begin.elapsed().as_nanos() as u64);
        }
    }
    times.sort_unstable();
    println!("{} {}", times[times.len() / 2], times[times.len() * 99 / 100]);
    Ok(())
}
