//! What a draw is: repeatable, and a copy that lives as its module does.

use super::*;
use burn::module::ParamId;

fn bits(tensor: &Tensor<2>) -> Vec<u32> {
    tensor.to_data().iter::<f32>().map(f32::to_bits).collect()
}

fn all_bits(masks: &WeightMasks) -> Vec<Vec<u32>> {
    masks.iter().map(|(_, mask)| bits(&mask.values::<2>())).collect()
}

fn ids<M: Module>(module: &M) -> Vec<ParamId> {
    collected(module).iter().map(|weight| weight.id).collect()
}

fn values<M: Module>(module: &M) -> Vec<Vec<f64>> {
    collected(module).into_iter().map(|weight| weight.values).collect()
}

on_every_device! {
    fn a_seed_and_a_draw_name_the_masks(device: &Device) {
        let (model, input) = (classifier(device), numbers([2, 3, 3], device));
        let masks = |k| all_bits(&model.masks_for(&input, draw(k)));
        assert_eq!(masks(0), masks(0));
        let (first, second) = (masks(0), masks(1));
        assert!(first.iter().zip(&second).all(|(first, second)| first != second));
        let other_seed = MaskRng::seeded(2).scope("monte carlo").draw(0).part("model");
        assert_ne!(all_bits(&model.masks_for(&input, other_seed)), first);
        // Two weights of equal dims do not share their masks; chance would have them do so once in
        // 10⁶ for the smallest here.
        let mut distinct = first.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), first.len());
    }

    fn masks_are_those_of_flex_whatever_the_rows(device: &Device) {
        let model = classifier(device);
        let here = model.masks_for(&numbers([7, 2, 3], device), draw(3).starting_row(4));
        let there = classifier(&flex()).masks_for(&numbers([2, 3, 3], &flex()), draw(3));
        assert_eq!(all_bits(&here), all_bits(&there));
    }

    fn a_bound_copy_survives_validation_forks_and_moves(device: &Device) {
        let training = &device.clone().autodiff();
        let (model, input) = (classifier(training), numbers([2, 3, 3], training));
        let masks = model.masks_for(&input, draw(0));
        let bound = model.bind(&masks);
        let output = bound.forward(input.clone());
        let expected = bits(&output);
        assert_ne!(bits(&model.module.forward(input.clone())), expected);

        let plain = input.clone().without_autodiff();
        assert_eq!(bits(&bound.valid().forward(plain.clone())), expected);
        assert_eq!(bits(&bound.valid().train().forward(input.clone())), expected);
        assert_eq!(bits(&bound.clone().fork(device).forward(input.clone())), expected);
        assert_eq!(bits(&bound.clone().to_device(device).forward(input)), expected);
        // The masks of the training model are those of the valid one.
        assert_eq!(bits(&model.valid().run(plain.clone(), &masks)), expected);

        let moved = bound.valid().to_device(&flex()).forward(plain.to_device(&flex()));
        let expected: Vec<f64> = output.into_data().iter::<f64>().collect();
        assert_close(&moved, &expected, tolerance(device), "on another device");
    }

    fn a_bound_copy_has_the_ids_count_and_record_of_the_clean_module(device: &Device) {
        let (model, input) = (classifier(device), numbers([2, 3, 3], device));
        let bound = model.bind(&model.masks_for(&input, draw(0)));
        assert_eq!(bound.num_params(), model.module.num_params());
        assert_eq!(ids(&bound), ids(&model.module));
        // Read through the record, where a masked weight would show.
        let fresh = || classifier(device).module;
        let loaded = fresh().load_record(bound.clone().into_record());
        assert_eq!(values(&loaded), values(&model.module));
        assert_eq!(ids(&loaded), ids(&model.module));
        // And the other way: the copy takes a record of the clean module, and keeps its masks.
        let other = fresh();
        let reloaded = bound.load_record(other.clone().into_record());
        assert_eq!(values(&reloaded), values(&other));
        assert_ne!(bits(&reloaded.forward(input.clone())), bits(&other.forward(input)));
    }

    fn a_bayesian_module_is_the_module_that_it_holds(device: &Device) {
        let model = classifier(device);
        assert_eq!(model.num_params(), model.module.num_params());
        assert_eq!(ids(&model), ids(&model.module));
        // Weights that were trained without dropout load as they are.
        let trained = classifier(device).module;
        let loaded = model.load_record(trained.clone().into_record());
        assert_eq!(values(&loaded), values(&trained));
        assert_eq!(loaded.weights().count(), 9);
        assert_eq!(format!("{}", loaded.module), format!("{trained}"));
    }

    fn materialised_it_holds_the_masked_weights(device: &Device) {
        let (model, input) = (classifier(device), numbers([2, 3, 3], device));
        let masks = model.masks_for(&input, draw(0));
        let materialised = model.bind(&masks).materialize();
        assert_eq!(values(&materialised), values(&masked(model.module.clone(), &masks)));
    }

    fn masks_survive_serde_and_a_move(device: &Device) {
        let (model, input) = (classifier(device), numbers([2, 3, 3], device));
        let masks = model.masks_for(&input, draw(0));
        let json = serde_json::to_string(&masks).unwrap();
        let back: WeightMasks = serde_json::from_str::<WeightMasks>(&json).unwrap();
        let back = back.to_device(device);
        assert_eq!(all_bits(&back), all_bits(&masks));
        assert_eq!(bits(&model.run(input.clone(), &back)), bits(&model.run(input, &masks)));
    }

    fn expected_masks_are_the_clean_module_or_its_weights_times_what_is_kept(device: &Device) {
        let input = numbers([2, 3, 3], device);
        let model = classifier(device);
        let clean = model.module.forward(input.clone());
        assert_eq!(bits(&model.weight_averaged(input.clone())), bits(&clean));

        let unscaled = Bayesian::new(model.module, Classifier::forward)
            .with_dropout(WeightDropout::new(0.25).unscaled());
        let masks = unscaled.masks_for(&input, MaskDraw::expected());
        let by_hand = masked(unscaled.module.clone(), &masks);
        for (weight, clean) in collected(&by_hand).iter().zip(collected(&unscaled.module)) {
            let factor = if weight.path.ends_with("bias") { 1.0 } else { 0.75 };
            let expected: Vec<f64> = clean.values.iter().map(|value| value * factor).collect();
            let got = Tensor::<1>::from_data(weight.values.as_slice(), &flex());
            assert_close(&got, &expected, MOMENTS_TOLERANCE, &weight.path);
        }
        let expected: Vec<f64> = by_hand.forward(input.clone()).into_data().iter().collect();
        assert_close(&unscaled.weight_averaged(input), &expected, tolerance(device), "output");
    }

    fn monte_carlo_runs_draw_by_draw_whatever_the_size_of_a_pass(device: &Device) {
        let (model, input) = (classifier(device), numbers([11, 3, 3], device));
        let draws = |max_bytes| {
            let mc = MonteCarlo::new(4, MaskRng::seeded(1)).with_max_bytes(max_bytes);
            mc.samples(&model, &input).unwrap().into_value()
        };
        let whole = draws(1 << 20);
        assert_eq!(whole.len(), 4);
        for max_bytes in [1, 100] {
            for (draw, expected) in draws(max_bytes).iter().zip(&whole) {
                let expected: Vec<f64> = expected.to_data().iter::<f64>().collect();
                assert_close(draw, &expected, tolerance(device), format!("{max_bytes} bytes"));
            }
        }
    }
}
