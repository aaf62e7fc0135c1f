//! What a recurrent training loop needs beside Burn's: clipping, decay, windows, checkpoints
