// A scriptable SMPP 3.4 short message centre on node's "smpp".  usage: node smpp_peer.js DIR PORT
// DIR/sms.jsonl  one line for each submit_sm taken;  DIR/rules.json  read at each PDU, all optional:
//   {"bind": 14, "submit": 88, "times": 2, "silent": true, "receipt": "UNDELIV", "receipt_ms": 200}
// (14 = bad password, 88 = 0x58 throttled, 20 = 0x14 queue full, 11 = 0x0B bad destination). A receipt
// is sent when the message asks for one (registered_delivery), "DELIVRD" unless the rules say else.
const fs = require('fs'), path = require('path')
const { createRequire } = require('module')
const smpp = createRequire(path.join(process.env.NODE_PEERS, 'x.js'))('smpp')
const [dir, port] = [process.argv[2], Number(process.argv[3])]
const rules = () => { try { return JSON.parse(fs.readFileSync(path.join(dir, 'rules.json'))) } catch { return {} } }
let id = 0, refused = 0

const server = smpp.createServer((session) => {
  session.on('error', () => {})
  session.on('close', () => session.destroy())
  for (const kind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver'])
    session.on(kind, (pdu) => session.send(pdu.response({ command_status: rules().bind || 0, system_id: 'peer' })))
  session.on('enquire_link', (pdu) => session.send(pdu.response()))
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close() })
  session.on('submit_sm', (pdu) => {
    const r = rules()
    if (r.silent) return
    if (r.submit && !(r.times <= refused)) {
      refused++
      return session.send(pdu.response({ command_status: r.submit }))
    }
    const message_id = String(++id)
    const text = pdu.short_message.message ?? pdu.message_payload?.message
    fs.appendFileSync(path.join(dir, 'sms.jsonl'), JSON.stringify({
      message_id, from: pdu.source_addr, to: pdu.destination_addr, text: String(text),
      data_coding: pdu.data_coding, esm_class: pdu.esm_class, udh: pdu.short_message.udh?.map((b) => b.toString('hex')),
    }) + '\n')
    session.send(pdu.response({ message_id }))
    if (pdu.registered_delivery & 1) setTimeout(() => session.deliver_sm({
      esm_class: 4, source_addr: pdu.destination_addr, destination_addr: pdu.source_addr,
      short_message: `id:${message_id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 ` +
        `stat:${r.receipt || 'DELIVRD'} err:000 text:`,
    }), r.receipt_ms ?? 50)
  })
})
server.listen(port, '127.0.0.1')
