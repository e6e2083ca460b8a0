#include "scorer.h"

#include "mim_ops.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

const size_t S = MIM_CONFIG_SIZE, s = MIM_CONFIG_SMALL;

const char *message(mim_status status) { return status == MIM_OK ? nullptr : mim_status_text(status); }

// Allocates a model's tensors in the arena, and checks that the model matches mim_bundle.h.
const char *prepare(tflite::MicroInterpreter *model, size_t input_bytes, size_t output_bytes, size_t *arena_used) {
    if (model->AllocateTensors() != kTfLiteOk) return "a model does not fit into the arena";
    if (model->arena_used_bytes() > *arena_used) *arena_used = model->arena_used_bytes();
    const bool fits = model->input(0)->type == kTfLiteInt8 && model->input(0)->bytes == input_bytes &&
                      model->output(0)->type == kTfLiteInt8 && model->output(0)->bytes == output_bytes;
    return fits ? nullptr : "mim_models and mim_bundle.h are of different bundles";
}

// Steps 5 and 6.
const char *inpaint(const tflite::MicroOpResolver &ops, uint8_t *arena, size_t arena_bytes, MimBuffers *buffers,
                    size_t *arena_used) {
    tflite::MicroInterpreter model(tflite::GetModel(mim_micro_model), ops, arena, arena_bytes);
    const char *problem = prepare(&model, 4 * s * s, 3 * s * s, arena_used);
    for (size_t mask = 0; !problem && mask < mim_config_mask_set.count; mask++) {
        // The runtime may reuse the input's memory for other tensors, so every mask writes the whole input.
        problem = message(mim_filled(&mim_config_mask_set, buffers->small, mask, model.input(0)->data.int8,
                                     model.input(0)->bytes, buffers->workspace, sizeof buffers->workspace));
        if (!problem && model.Invoke() != kTfLiteOk) problem = "the generator failed";
        if (!problem)
            problem = message(mim_assemble(&mim_config_mask_set, model.output(0)->data.int8, mask, buffers->inpainted,
                                           sizeof buffers->inpainted));
    }
    return problem;
}

// Step 7a: features of the resampled image, and their weighted statistics.
const char *extract_statistics(const tflite::MicroOpResolver &ops, uint8_t *arena, size_t arena_bytes,
                               MimBuffers *buffers, size_t *arena_used) {
    tflite::MicroInterpreter model(tflite::GetModel(mim_features_model), ops, arena, arena_bytes);
    const char *problem = prepare(&model, 3 * S * S, MIM_BUNDLE_POSITIONS * MIM_BUNDLE_CHANNELS, arena_used);
    if (problem) return problem;
    for (size_t i = 0; i < 3 * S * S; i++)
        model.input(0)->data.int8[i] = static_cast<int8_t>(buffers->resampled[i] - 128);
    if (model.Invoke() != kTfLiteOk) return "the network of features failed";
    return message(mim_statistics(model.output(0)->data.int8, MIM_BUNDLE_POSITIONS, MIM_BUNDLE_CHANNELS,
                                  MIM_BUNDLE_FEATURES_SCALE, MIM_BUNDLE_FEATURES_ZERO, buffers->weights,
                                  buffers->statistics, sizeof buffers->statistics));
}

// Steps 8 to 10.
mim_status decide(size_t side, const MimBuffers &buffers, MimJudgement *judgement) {
    float contrast = 0, detail = 0;
    mim_status bad = mim_contrast(buffers.resampled, S, &contrast);
    if (!bad) bad = mim_detail(buffers.resampled, S, &detail);
    if (!bad)
        bad = mim_gate(&mim_config_limits, side, contrast, detail, judgement->novelty, &judgement->reason);
    if (!bad) bad = mim_p_class(&mim_config_tables.calibration, judgement->similarity, &judgement->p_class);
    if (!bad) bad = mim_p_other(&mim_config_tables.reference, judgement->similarity, &judgement->p_other);
    if (!bad)
        bad = mim_verdict(judgement->p_class, judgement->p_other, judgement->reason, mim_config_tables.alpha,
                          mim_config_tables.beta, &judgement->verdict);
    return bad;
}

}  // namespace

const char *mim_judge(const MimPhoto &photo, uint8_t *arena, size_t arena_bytes, MimBuffers *buffers,
                      MimJudgement *judgement) {
    MimOps ops;
    if (mim_add_ops(&ops) != kTfLiteOk) return "an operator is missing";
    judgement->arena_used = 0;
    mim_status bad = mim_resample(photo.rgb, photo.width, photo.height, photo.stride, photo.orientation,
                                  buffers->resampled, S, sizeof buffers->resampled, buffers->workspace,
                                  sizeof buffers->workspace);
    if (!bad)
        bad = mim_resample(buffers->resampled, S, S, 3 * S, 1, buffers->small, s, sizeof buffers->small,
                           buffers->workspace, sizeof buffers->workspace);
    if (bad) return mim_status_text(bad);
    const char *problem = inpaint(ops, arena, arena_bytes, buffers, &judgement->arena_used);
    if (!problem)
        problem = message(mim_error_weights(buffers->small, buffers->inpainted, s, buffers->weights,
                                            sizeof buffers->weights));
    if (!problem) problem = extract_statistics(ops, arena, arena_bytes, buffers, &judgement->arena_used);
    if (!problem)
        problem = message(mim_similarity(&mim_bundle_head, buffers->statistics, &judgement->similarity,
                                         &judgement->novelty));
    const size_t side = photo.width < photo.height ? photo.width : photo.height;
    return problem ? problem : message(decide(side, *buffers, judgement));
}
