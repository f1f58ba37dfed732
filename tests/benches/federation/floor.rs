//! What the cryptography alone costs, in the same run and on the same machine: the floor below every figure.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Duration;

use anyhow::{Result, anyhow};
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustix::time::{ClockId, clock_gettime};
use shoal_tests::signer::Signer;

/// Microseconds of processor time each. Two processors of a virtual machine are often one core that shares itself: each
/// works slower while the other does, and all do while a server is under load. So that is how the floor is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floor {
    /// One RSA-2048 signature with SHA-256.
    pub(super) sign: f64,
    /// One check of such a signature, the key parsed each time.
    pub(super) verify: f64,
    /// One Ed25519 signature.
    pub(super) ed25519: f64,
}

/// About what a signed request's text is long.
const TEXT: [u8; 200] = [b'a'; 200];

impl Floor {
    /// What each costs while all processors do the same.
    pub(super) fn under_load() -> Result<Self> {
        Self::measure(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// The mean of two.
    pub(super) fn mean(self, other: Self) -> Self {
        Self {
            sign: f64::midpoint(self.sign, other.sign),
            verify: f64::midpoint(self.verify, other.verify),
            ed25519: f64::midpoint(self.ed25519, other.ed25519),
        }
    }

    /// What each costs while this many threads do the same: a quarter of a second of processor time on each, three times,
    /// and the mean of their medians.
    pub(super) fn measure(threads: usize) -> Result<Self> {
        let together = Barrier::new(threads);
        let each = std::thread::scope(|scope| {
            let measured: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| Self::on_one(&together)))
                .collect();
            let measured = measured.into_iter().map(|one| one.join());
            measured
                .map(|one| one.map_err(|_| anyhow!("a thread of the floor panicked"))?)
                .collect::<Result<Vec<_>>>()
        })?;
        let mean = |of: fn(&Self) -> f64| each.iter().map(of).sum::<f64>() / threads as f64;
        Ok(Self {
            sign: mean(|one| one.sign),
            verify: mean(|one| one.verify),
            ed25519: mean(|one| one.ed25519),
        })
    }

    fn on_one(together: &Barrier) -> Result<Self> {
        let signer = Signer::generate()?;
        let signature = signer.sign(&TEXT)?;
        let public = signer.public_der()?;
        let ed25519 = Ed25519KeyPair::generate().map_err(|_| anyhow!("no key could be made"))?;
        let check = || {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, black_box(&public));
            key.verify(&TEXT, &signature)
                .map_err(|_| anyhow!("it does not verify"))
        };
        together.wait();
        let sign = median(|| signer.sign(black_box(&TEXT)).map(drop))?;
        together.wait();
        let verify = median(check)?;
        together.wait();
        let ed25519 = median(|| {
            black_box(ed25519.sign(black_box(&TEXT)));
            Ok(())
        })?;
        Ok(Self {
            sign,
            verify,
            ed25519,
        })
    }
}

fn median(mut once: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut each = Vec::new();
    for _ in 0..3 {
        let (started, mut count) = (spent()?, 0_u32);
        while spent()? - started < Duration::from_millis(250) {
            for _ in 0..10 {
                once()?;
            }
            count += 10;
        }
        each.push((spent()? - started).as_secs_f64() * 1e6 / f64::from(count));
    }
    each.sort_by(f64::total_cmp);
    Ok(each[1])
}

/// Processor time of this thread so far: what else the machine does meanwhile does not count.
fn spent() -> Result<Duration> {
    Ok(clock_gettime(ClockId::ThreadCPUTime).try_into()?)
}
