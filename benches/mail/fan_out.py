"""fan_out.py PORT ADDRESSES async|sync: one message to json:// addresses; prints seconds (without reading the addresses) and peak MB."""
import asyncio, resource, sys, time

import apprise

port, addresses, how = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
everybody = apprise.Apprise()
for n in range(addresses):
    everybody.add(f"json://127.0.0.1:{port}/{n}")
message = {"title": "Meldung", "body": "Das Bürgerbüro ist offen, kann aber nur beraten. Bitte rufen Sie vor einem Besuch an."}
begin = time.monotonic()
done = everybody.notify(**message) if how == "sync" else asyncio.run(everybody.async_notify(**message))
took = time.monotonic() - begin
assert done, "not everybody got it"
print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
