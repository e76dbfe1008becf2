//! What a finished recipient with a gateway's id and a receipt takes of the file.

use std::time::Duration;

use rundruf::app::Open;
use rundruf::clock::SystemClock;
use rundruf::domain::delivery::DeliveryState;
use rundruf::domain::draft;
use rundruf::publication::Wishes;
use rundruf::store::{Board, Lanes as _, Receipt, ReceiptWord};

use super::drain::bytes_of;
use super::gateway::Gateway;
use super::others::lanes;
use super::town::{list, newest};
use crate::kit::machine;
use crate::kit::place::{folder, notice, write_config};
use crate::kit::table::Table;

const PEOPLE: u64 = 100_000;
const A_RECIPIENT: f64 = 200.0;

/// A list of its own: each SMS gets an id of 36 characters, as gateways give them, and a report.
pub async fn with_id_and_receipt(table: &mut Table) {
    println!("with id and receipt, load {}", machine::load());
    let (dir, gateway) = (folder(), Gateway::start());
    list(&dir.path().join("stadt.csv"), PEOPLE);
    let channels = format!(
        "[channel.sms]\nkind = \"sms_http\"\nurl = \"http://127.0.0.1:{}/v1\"\nmethod = \"POST\"\nsecret = \"s\"\n\
         body = '{{\"to\": \"{{to}}\", \"text\": \"{{text}}\", \"reference\": \"{{ref}}\"}}'\n\
         accept = {{ field = \"status\", is = [\"queued\"], id = \"id\" }}\n\
         audience = {{ file = \"stadt.csv\" }}\nconcurrency = 64\n",
        gateway.port
    );
    let config = write_config(dir.path(), "http://127.0.0.1:1", 1, 2, &channels);
    let open = Open::new(&config, &dir.path().join("data")).await.expect("opened");
    let running = lanes(&open).await;
    let file = open.store.path().to_owned();
    let before = bytes_of(&file).await;
    let text = notice("Das Trinkwasser ist abzukochen", "wasser");
    let draft = draft::read("bench", text.as_bytes()).expect("a notice");
    let wishes = Wishes::default();
    let published = open.office.publish(open.store.as_ref(), &draft, &wishes, None);
    published.await.expect("published");
    running.drained().await;
    loop {
        let rows = open.store.broadcasts(None).await.expect("rows");
        let row = newest(&rows);
        if row.counters.delivered == PEOPLE {
            break;
        }
        let some = open
            .store
            .deliveries(row.id, Some(DeliveryState::Accepted), 1_000)
            .await;
        let receipts: Vec<Receipt> = some
            .expect("rows")
            .iter()
            .map(|row| Receipt {
                delivery: Some((row.id, row.attempt)),
                remote_id: None,
                word: ReceiptWord::Delivered,
                raw: String::new(),
            })
            .collect();
        let now = rundruf::clock::Clock::now_ms(&SystemClock);
        open.store.receipts(row.lane, &receipts, now).await.expect("taken in");
    }
    running.stop(Duration::from_secs(5)).await;
    let wrong = open.store.recount().await.expect("recounted");
    let each = (bytes_of(&file).await - before) as f64 / PEOPLE as f64;
    println!("  {each:.1} bytes a recipient");
    table.part(
        "bytes of one with id and receipt, by 200",
        vec![each / A_RECIPIENT],
        1.0,
    );
    table.part("their counters that differ", vec![wrong.len() as f64], 0.0);
}
