//! The operators of Horizon's plugin (`horizon.md` 2), known without libtorch and without the plugin.
//!
//! Serialised source names no overload, so a call is told from its older forms by the number of arguments. The form
//! that today's plugin writes has the empty overload name; older ones are named after what they lack.
//!
//! Left out are utilities of the float stage that occur in no artifact and whose results the specification does not
//! state: `batched_nms`, `nms_rotated`, `nms3d`, `raycast`, `om_*` and the like.

/// Operator names with their overloads, sorted by name; the plugin's current form first.
#[rustfmt::skip]
pub(super) static TABLE: &[(&str, &[&str])] = &[
    ("horizon::bev_pool_v2", &[
        "horizon::bev_pool_v2(Tensor depth, Tensor feat, Tensor ranks_depth, Tensor ranks_feat, Tensor ranks_bev, Tensor interval_starts, Tensor interval_lengths, int[] bev_feat_shape) -> Tensor",
    ]),
    ("horizon::bgr_to_yuv444", &[
        "horizon::bgr_to_yuv444(Tensor input, bool channel_reversal) -> Tensor",
    ]),
    ("horizon::bpu_ceil", &[
        "horizon::bpu_ceil(Tensor input, Tensor input_scale, str input_dtype, str output_dtype, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_post_process_channel_argmax", &[
        "horizon::bpu_post_process_channel_argmax(Tensor input, int group, str march_str) -> (Tensor, Tensor)",
    ]),
    ("horizon::bpu_quanti_grid_sample", &[
        "horizon::bpu_quanti_grid_sample(Tensor in_featuremap, Tensor in_grid, str mode, str padding_mode, bool align_corners, int coord_shift, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_quanti_line_fit", &[
        "horizon::bpu_quanti_line_fit(Tensor data, str otype, int scale, int bias, int pshift) -> Tensor",
    ]),
    ("horizon::bpu_quanti_lut", &[
        "horizon::bpu_quanti_lut(Tensor data, Tensor table, str otype, int scale, int bias, int pshift, int itplt_shift) -> Tensor",
    ]),
    ("horizon::bpu_quanti_mul", &[
        "horizon::bpu_quanti_mul(Tensor input0, Tensor input1, Tensor input_shift0_, Tensor input_shift1_, Tensor output_shift_, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_quanti_proposal", &[
        "horizon::bpu_quanti_proposal(Tensor[] data, Tensor anchor, Tensor exp_table, Tensor image_sizes, int[] num_anchors, int[] num_classes, int[] input_shifts, int exp_shift, int[] block_heights, int[] block_widths, int box_filter_threshold, int[] per_class_idx, int[] per_class_threshold, int[] class_output_offsets, int random_seed, int[] anchor_start_offsets, int[] stride_heights, int[] stride_widths, bool use_clippings, bool image_size_fixed, Scalar image_height, Scalar image_width, str im_info_type, int nms_threshold, int output_bbox_num, int nms_supress_margin, int fake_data_value, str march_str) -> Tensor",
        "horizon::bpu_quanti_proposal.filter(Tensor[] data, Tensor anchor, Tensor exp_table, Tensor image_sizes, int[] num_anchors, int[] num_classes, int[] input_shifts, int exp_shift, int[] block_heights, int[] block_widths, int box_filter_threshold, bool filter_invalid_boxes, int[] per_class_idx, int[] per_class_threshold, int[] class_output_offsets, int random_seed, int[] anchor_start_offsets, int[] stride_heights, int[] stride_widths, bool use_clippings, bool image_size_fixed, Scalar image_height, Scalar image_width, str im_info_type, int nms_threshold, int output_bbox_num, int nms_supress_margin, int fake_data_value, str march_str) -> Tensor",
        "horizon::bpu_quanti_proposal.no_threshold(Tensor[] data, Tensor anchor, Tensor exp_table, Tensor image_sizes, int[] num_anchors, int[] num_classes, int[] input_shifts, int exp_shift, int[] block_heights, int[] block_widths, int[] class_output_offsets, int random_seed, int[] anchor_start_offsets, int[] stride_heights, int[] stride_widths, bool use_clippings, bool image_size_fixed, Scalar image_height, Scalar image_width, str im_info_type, int nms_threshold, int output_bbox_num, int nms_supress_margin, int fake_data_value, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_quanti_resize", &[
        "horizon::bpu_quanti_resize(Tensor data, str mode, bool align_corners, int out_height, int out_width, float ratio_height, float ratio_width, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_quanti_roi_resize", &[
        "horizon::bpu_quanti_roi_resize(Tensor in_featuremap, Tensor in_rois, float spatial_scale, int out_height, int out_width, bool aligned, str interpolate_mode, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_scale_dequantization", &[
        "horizon::bpu_scale_dequantization(Tensor data, Tensor scale, int ch_axis) -> Tensor",
    ]),
    ("horizon::bpu_scale_quanti_convolution", &[
        "horizon::bpu_scale_quanti_convolution(Tensor data_, Tensor weight_, Tensor bias_, Tensor sumin_, Tensor output_scale_, Tensor accu_right_shift_, Tensor bias_left_shift_, Tensor output_right_shift_, Tensor sumin_scale_, Tensor sumin_left_shift_, bool use_bias, int filters, int[] kernel_size, int[] strides, int[] pads, int[] dilation_rate, str activation, int group, bool elementwise_input, bool disable_output_quantization, str out_quanti_type, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_scale_quanti_convolution3d", &[
        "horizon::bpu_scale_quanti_convolution3d(Tensor data_, Tensor weight_, Tensor bias_, Tensor sumin_, Tensor output_scale_, Tensor accu_right_shift_, Tensor bias_left_shift_, Tensor output_right_shift_, Tensor sumin_scale_, Tensor sumin_left_shift_, bool use_bias, int filters, int[] kernel_size, int[] strides, int[] pads, int[] dilation_rate, str activation, int group, bool elementwise_input, bool disable_output_quantization, str out_quanti_type, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_scale_quanti_convolution_with_shift", &[
        "horizon::bpu_scale_quanti_convolution_with_shift(Tensor data, Tensor weight, Tensor bias, Tensor sumin, Scalar input_shift, Scalar output_shift, Tensor bias_shift, Tensor weight_shift, Scalar sumin_shift, bool use_bias, int filters, int[] kernel_size, int[] strides, int[] pads, int[] dilation_rate, str activation, int group, bool elementwise_input, bool disable_output_quantization, str out_quanti_type, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_scale_quanti_correlation", &[
        "horizon::bpu_scale_quanti_correlation(Tensor data1, Tensor data2, Tensor scale1, Tensor scale2, Tensor inter_scale, Tensor out_scale, int kernel_size, int max_displacement, int stride1, int stride2, int pad_size, bool is_multiply, str out_dtype, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_scale_quanti_deconvolution", &[
        "horizon::bpu_scale_quanti_deconvolution(Tensor data, Tensor weight, Tensor bias, Tensor sumin, Tensor output_scale, Tensor accu_right_shift, Tensor bias_left_shift, Tensor output_right_shift, Tensor sumin_scale, Tensor sumin_left_shift, bool use_bias, int filters, int[] kernel_size, int[] strides, int[] pads, int[] output_padding, int[] dilation_rate, str activation, int group, bool elementwise_input, bool disable_output_quantization, str out_quanti_type, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_scale_quanti_deconvolution_with_shift", &[
        "horizon::bpu_scale_quanti_deconvolution_with_shift(Tensor data, Tensor weight, Tensor bias, Tensor sumin, Scalar input_shift, Scalar output_shift, Tensor bias_shift, Tensor weight_shift, Scalar sumin_shift, bool use_bias, int filters, int[] kernel_size, int[] strides, int[] pads, int[] output_padding, int[] dilation_rate, str activation, int group, bool elementwise_input, bool disable_output_quantization, str out_quanti_type, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_scale_quanti_pooling", &[
        "horizon::bpu_scale_quanti_pooling(Tensor input_, str pool_type, int[] pool_size, int[] pads, int[] strides, bool ceil_mode, str out_quanti_type, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_scale_quantization", &[
        "horizon::bpu_scale_quantization(Tensor data, Tensor scale, Tensor zero_point, int vector_dim, int quant_min, int quant_max, str qtype, str round_mode, str march_str) -> Tensor",
        "horizon::bpu_scale_quantization.no_round_mode(Tensor data, Tensor scale, Tensor zero_point, int vector_dim, int quant_min, int quant_max, str qtype, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_scale_requantization", &[
        "horizon::bpu_scale_requantization(Tensor data, Tensor in_scale, Tensor out_scale, str input_quanti_type, str output_quanti_type, bool pre_rshift_with_round, bool post_rshift_with_round, str march_str) -> Tensor",
        "horizon::bpu_scale_requantization.no_post_round(Tensor data, Tensor in_scale, Tensor out_scale, str input_quanti_type, str output_quanti_type, bool pre_rshift_with_round, str march_str) -> Tensor",
    ]),
    ("horizon::bpu_segment_lut", &[
        "horizon::bpu_segment_lut(Tensor data, Tensor table, Tensor scale, Tensor beta, Tensor left_shift, Tensor right_shift, Tensor max, bool is_symmetrical, int idx_bits, str otype, int num_entries_per_table, str march_str) -> Tensor",
        "horizon::bpu_segment_lut.no_entries(Tensor data, Tensor table, Tensor scale, Tensor beta, Tensor left_shift, Tensor right_shift, Tensor max, bool is_symmetrical, int idx_bits, str otype, str march_str) -> Tensor",
    ]),
    ("horizon::clamp", &[
        "horizon::clamp(Tensor input, float min_value, float max_value) -> Tensor",
    ]),
    ("horizon::convert_conv_params", &[
        "horizon::convert_conv_params(Tensor input_scale, Tensor weight, Tensor weight_scale, str weight_dtype, Tensor bias, Tensor bias_scale, str bias_dtype, Tensor out_scale, str out_dtype, Tensor edata_scale, bool is_conv_transpose2d, int groups, str march_str) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    ]),
    ("horizon::fake_cast", &[
        "horizon::fake_cast(Tensor input, bool enable_clip) -> Tensor",
    ]),
    ("horizon::fake_quantize_minmax", &[
        "horizon::fake_quantize_minmax(Tensor x, Tensor min_val, Tensor max_val, int ch_axis, int quant_min, int quant_max, bool saturate, str round_mode) -> (Tensor, Tensor, Tensor)",
    ]),
    ("horizon::frexp", &[
        "horizon::frexp(Tensor data) -> (Tensor, Tensor)",
    ]),
    ("horizon::ig_region_match", &[
        "horizon::ig_region_match(Tensor boxes, Tensor ig_regions, Tensor ig_regions_num, int class_num, float ig_region_overlap, bool legacy_bbox, bool output_excluding_class_id_0) -> Tensor",
    ]),
    ("horizon::max_iou_match", &[
        "horizon::max_iou_match(Tensor boxes, Tensor gt_boxes, Tensor gt_boxes_num, float pos_iou, float neg_iou, bool allow_low_quality_match, float low_quality_match_iou, bool legacy_bbox, str overlap_type) -> (Tensor, Tensor)",
    ]),
    ("horizon::meta_quant_convolution", &[
        "horizon::meta_quant_convolution(Tensor data_, Tensor weight_, Tensor bias_, Tensor sumin_, Tensor output_scale_, Tensor accu_right_shift_, Tensor bias_left_shift_, Tensor output_right_shift_, Tensor sumin_scale_, Tensor sumin_left_shift_, bool use_bias, int filters, int[] kernel_size, int[] strides, int[] pads, int[] dilation_rate, str activation, int group, bool elementwise_input, bool disable_output_quantization, str out_quanti_type, str march_str) -> Tensor",
    ]),
    ("horizon::meta_requantization", &[
        "horizon::meta_requantization(Tensor data, Tensor in_scale, Tensor out_scale, str input_quanti_type, str output_quanti_type, str march_str) -> Tensor",
    ]),
    ("horizon::ms_deform_attn", &[
        "horizon::ms_deform_attn(Tensor value, Tensor spatial_shapes, Tensor level_start_index, Tensor sampling_locations, Tensor attention_weights, int im2col_step) -> Tensor",
    ]),
    ("horizon::nms", &[
        "horizon::nms(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor",
    ]),
    ("horizon::quanti_grid_sample", &[
        "horizon::quanti_grid_sample(Tensor featuremap, Tensor grid, Tensor scale, str mode, str padding_mode, bool align_corners, int coord_shift, str march) -> Tensor",
    ]),
    ("horizon::quanti_nms", &[
        "horizon::quanti_nms(Tensor boxes, Tensor scores, Tensor labels, int nms_threshold, int nms_margin, str march_str) -> Tensor",
    ]),
    ("horizon::quanti_resize", &[
        "horizon::quanti_resize(Tensor data, Tensor scale, Tensor zero_point, str mode, bool align_corners, int out_height, int out_width, float ratio_height, float ratio_width, bool quantized_forward, str march) -> Tensor",
    ]),
    ("horizon::quanti_roi_resize", &[
        "horizon::quanti_roi_resize(Tensor featuremap, Tensor rois, Tensor scale, Tensor zero_point, float spatial_scale, int out_height, int out_width, bool aligned, str interpolate_mode, bool roi_quantized, bool quantized_forward, str march) -> Tensor",
    ]),
    ("horizon::quantized_resize", &[
        "horizon::quantized_resize(Tensor data, str mode, bool align_corners, int out_height, int out_width, float ratio_height, float ratio_width, str march_str) -> Tensor",
    ]),
    ("horizon::quantized_roi_resize", &[
        "horizon::quantized_roi_resize(Tensor in_featuremap, Tensor in_rois, float spatial_scale, int out_height, int out_width, bool aligned, str interpolate_mode, str march_str) -> Tensor",
    ]),
    ("horizon::rcnn_post_process", &[
        "horizon::rcnn_post_process(Tensor boxes, Tensor scores, Tensor deltas, Tensor image_sizes, int fixed_image_h, int fixed_image_w, float nms_threshold, float box_filter_threshold, int num_classes, int post_nms_top_k, float[] delta_mean, float[] delta_std, bool image_size_fixed, bool flag, str march_str) -> (Tensor, Tensor)",
    ]),
    ("horizon::round", &[
        "horizon::round(Tensor data) -> Tensor",
    ]),
    ("horizon::scale_quanti", &[
        "horizon::scale_quanti(Tensor x, Tensor scale, Tensor zero_point, int ch_axis, int quant_min, int quant_max, bool saturate, bool in_place, bool compat_mask, str round_mode, str march) -> Tensor",
    ]),
    ("horizon::scale_quanti_opt", &[
        "horizon::scale_quanti_opt(Tensor x, Tensor scale, int quant_min, int quant_max, int ch_axis, str round_mode) -> Tensor",
    ]),
    ("horizon::scale_requanti", &[
        "horizon::scale_requanti(Tensor input, Tensor in_scale, Tensor out_scale, Tensor in_zero_point, Tensor out_zero_point, int vector_dim, str input_quanti_type, str output_quanti_type, bool pre_rshift_with_round, bool post_rshift_with_round, str march) -> Tensor",
    ]),
    ("horizon::sort", &[
        "horizon::sort(Tensor input, int dim, bool descending) -> (Tensor, Tensor)",
    ]),
    ("horizon::toqint", &[
        "horizon::toqint(Tensor x, int qbits, int max_bits, bool allow_left_shift, bool allow_right_shift) -> (Tensor, Tensor)",
    ]),
    ("horizon::voxelization", &[
        "horizon::voxelization(Tensor points, Tensor voxel_size, Tensor pc_range, Tensor(a!) voxels, Tensor(b!) coors, Tensor(c!) num_points_per_voxel, int max_points, int max_voxels, int ndim) -> Tensor",
    ]),
];
