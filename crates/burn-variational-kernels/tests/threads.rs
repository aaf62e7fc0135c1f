//! The operations on wide data give the same bits whatever threads share them.

use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_variational_kernels::{embedding, linear_cross_entropy};

/// Small numbers that differ, summed in another order to other bits.
fn numbers<const D: usize>(dims: [usize; D], seed: f64, device: &Device) -> Tensor<D> {
    let n = dims.iter().product();
    let values: Vec<f32> = (0..n).map(|k| ((k + 1) as f64 * seed).sin() as f32 * 0.6).collect();
    Tensor::from_data(TensorData::new(values, dims), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Asserts that `run` gives the same in pools of 1, 2, 3, 4, 8 and 16 threads.
fn check(name: &str, run: impl Fn() -> Vec<Vec<f32>> + Sync) {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&run)
    };
    let one = with(1);
    for threads in [2, 3, 4, 8, 16] {
        assert!(with(threads) == one, "{name}: {threads} threads");
    }
}

/// `0, 5, 10 …` within `n_classes`.
fn targets(rows: usize, n_classes: usize, device: &Device) -> Tensor<1, Int> {
    let targets: Vec<u32> = (0..rows as u32).map(|row| row * 5 % n_classes as u32).collect();
    Tensor::from_data(targets.as_slice(), device)
}

#[test]
fn losses_and_their_gradients_are_bit_equal_for_any_number_of_threads() {
    // Fewer classes than a thread takes columns of its own, more, and enough for 16 threads; rows
    // and inputs enough for threads to share them.
    for [rows, d_input, n_classes] in [[700, 40, 5], [60, 130, 90], [300, 130, 500], [70, 33, 3000]]
    {
        check(&format!("{rows} rows, {n_classes} classes"), || {
            let device = Device::flex().autodiff();
            let input = numbers([rows, d_input], 2.3, &device).require_grad();
            let weights = numbers([d_input, n_classes], 1.7, &device).require_grad();
            let bias = numbers([n_classes], 0.9, &device).require_grad();
            let targets = targets(rows, n_classes, &device);
            let losses = linear_cross_entropy(
                input.clone(),
                weights.clone(),
                Some(bias.clone()),
                targets,
                None,
            );
            let grads = (losses.clone() * numbers([rows], 3.1, &device)).sum().backward();
            vec![
                values(losses),
                values(input.grad(&grads).unwrap()),
                values(weights.grad(&grads).unwrap()),
                values(bias.grad(&grads).unwrap()),
            ]
        });
    }
}

#[test]
fn the_gradient_of_an_embedding_is_bit_equal_for_any_number_of_threads() {
    const TOKENS: usize = 600;
    // Types that come up now and then or never, and one that comes up often.
    let tokens: Vec<u32> =
        (0..TOKENS as u32).map(|n| if n % 3 == 0 { 7 } else { n * n % 900 }).collect();
    for width in [3, 130] {
        let run = || {
            let device = Device::flex().autodiff();
            let weights = numbers([1000, width], 2.3, &device).require_grad();
            let tokens = Tensor::<2, Int>::from_data(
                TensorData::new(tokens.clone(), [2, TOKENS / 2]),
                &device,
            );
            let scale = numbers([2, TOKENS / 2, width], 1.9, &device);
            let grads = (embedding(weights.clone(), tokens) * scale).sum().backward();
            vec![values(weights.grad(&grads).unwrap())]
        };
        check(&format!("width {width}"), run);

        let scale = values(numbers([TOKENS, width], 1.9, &Device::flex()));
        let mut expected = vec![0.0_f32; 1000 * width];
        for (token, scale) in tokens.iter().zip(scale.chunks(width)) {
            let sums = &mut expected[*token as usize * width..][..width];
            sums.iter_mut().zip(scale).for_each(|(sum, part)| *sum += part);
        }
        assert!(run()[0] == expected, "width {width}: summed in the order of the tokens");
    }
}
