-- Digests (LANES 4): 1: a notice that it summed up was taken back or put right since; its digest has to be written again before more of it goes.
ALTER TABLE broadcast ADD COLUMN uncut INTEGER NOT NULL DEFAULT 0;
