//! The service: requests that wait are answered together, in their order.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::Device;
use burn_variational::kernels::memory;
use forecast::{Forecaster, StepForecast};

use crate::arguments::Arguments;
use crate::lines::{self, Line};
use crate::messages::{Answer, MAX_LENGTH, Request};

/// Requests that are answered together, and those that wait meanwhile.
const MAX_TOGETHER: usize = 64;
/// Bytes of buffers that are kept for the next requests, which are as many as wait and so of many
/// sizes: those of all would add up.
const KEPT_MEMORY: usize = 64 << 20;

/// Answers what comes in by standard input until it ends, or nobody reads the answers any more.
pub(crate) fn serve(arguments: &Arguments) -> Result<()> {
    memory::set_limit(KEPT_MEMORY);
    let forecaster = Forecaster::load(&arguments.model, &Device::flex())?;
    let service = Service { forecaster, mc_samples: arguments.mc_samples, seed: arguments.seed };
    let (sender, receiver) = sync_channel(MAX_TOGETHER);
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let lines = std::iter::from_fn(|| lines::read(&mut stdin, MAX_LENGTH).transpose());
        // It fails once the service has ended.
        let _ = lines.zip(1..).try_for_each(|line| sender.send(line));
    });
    match service.answer_all(&receiver) {
        Err(error) if is_broken_pipe(&error) => Ok(()),
        result => result,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// A line or why it could not be read, and its number.
type Numbered = (io::Result<Line>, u64);

struct Service {
    forecaster: Forecaster,
    mc_samples: u64,
    seed: u64,
}

impl Service {
    fn answer_all(&self, lines: &Receiver<Numbered>) -> Result<()> {
        let start = Instant::now();
        let mut stdout = BufWriter::new(io::stdout().lock());
        let (mut n_answers, mut n_errors) = (0_u64, 0_u64);
        while let Ok(first) = lines.recv() {
            let waiting = lines.try_iter().take(MAX_TOGETHER - 1);
            let together = [first].into_iter().chain(waiting);
            let together = together.map(|(line, number)| {
                Ok((Request::read(&line.context("cannot read requests")?), number))
            });
            for answer in self.answers(together.collect::<Result<_>>()?) {
                n_answers += 1;
                n_errors += u64::from(answer.is_error());
                serde_json::to_writer(&mut stdout, &answer).map_err(io::Error::from)?;
                stdout.write_all(b"\n")?;
            }
            stdout.flush()?;
        }
        let seconds = start.elapsed().as_secs_f64();
        eprintln!(
            "{n_answers} requests, {n_errors} of them errors, in {seconds:.1} s: {:.0} a second",
            n_answers as f64 / seconds.max(1e-9)
        );
        Ok(())
    }

    /// The answers to requests, in their order.
    fn answers(&self, requests: Vec<(Request, u64)>) -> impl Iterator<Item = Answer> {
        let mut windows = Vec::new();
        let asked: Vec<_> = requests
            .into_iter()
            .map(|(Request { id, inputs }, number)| {
                let window = inputs.and_then(|inputs| self.forecaster.window(&inputs));
                (id, number, window.map(|window| windows.push(window)))
            })
            .collect();
        let mut forecasts = self.forecasts(&windows).into_iter();
        asked.into_iter().map(move |(id, number, is_asked)| {
            let forecast = is_asked.and_then(|()| forecasts.next().expect("one for each window"));
            Answer::new(id, number, forecast)
        })
    }

    /// A forecast of each window: of all of them at once, and where that fails, which is the fault
    /// of some, one by one.
    fn forecasts(&self, windows: &[Vec<f64>]) -> Vec<Result<Vec<StepForecast>>> {
        let forecasts = |windows: &[Vec<f64>]| {
            self.forecaster.forecasts(windows, self.mc_samples as usize, self.seed)
        };
        match forecasts(windows) {
            Ok(all) => all.into_iter().map(Ok).collect(),
            Err(error) if windows.len() == 1 => vec![Err(error)],
            Err(_) => windows.chunks(1).flat_map(|window| self.forecasts(window)).collect(),
        }
    }
}
