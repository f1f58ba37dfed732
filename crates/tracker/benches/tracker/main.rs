//! What the tracker's doors cost, over sockets on loopback: `cargo bench -p shoal-tracker --bench tracker`. Each figure is
//! processor time of the answering thread, beside a floor that does nothing but receive and send bytes of the same sizes, in
//! the same run; the median of three. The doors are in the modules.

mod http;

type Fault = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Fault> {
    http::measure()
}
