//! The qconfig file: its levels, its limits, and what it says when something is wrong.

use ptool::quant::observer::{ObserverKind, ObserverSpec, ObserverValue};
use ptool::quant::qconfig::{
    FakeQuantSpec, Flags, March, QConfig, QConfigError, QDType, Resolved, RoundMode,
};

const CONV: &str = "__torch__.torch.nn.modules.conv.___torch_mangle_3.Conv2d";
const LINEAR: &str = "__torch__.torch.nn.modules.linear.Linear";
const BLOCK: &str = "__torch__.net.Block";

fn class_of(name: &str) -> Option<&'static str> {
    match name {
        "layer1" | "layer1.0" | "head" => Some(BLOCK),
        "head.fc" => Some(LINEAR),
        _ if name.contains("conv") => Some(CONV),
        _ => None,
    }
}

fn parse(text: &str) -> Result<QConfig, QConfigError> {
    QConfig::parse(text, "q.toml", &Flags::default())
}

fn resolve(text: &str, name: &str) -> Option<Resolved> {
    let qconfig = parse(text).unwrap();
    qconfig.resolver().resolve(name, &class_of)
}

fn observer(text: &str, name: &str) -> &'static str {
    let resolved = resolve(text, name).unwrap();
    resolved.activation.unwrap().observer.key()
}

#[test]
fn an_empty_file_is_the_defaults() {
    let qconfig = parse("").unwrap();
    assert_eq!(qconfig, QConfig::new(March::Bayes));
    assert_eq!(qconfig.round_mode, RoundMode::HalfToEven);
    assert!(qconfig.high_precision_output);
    let resolved = resolve("", "layer1.0.conv1").unwrap();
    assert_eq!(resolved, Resolved::default());
    let activation = resolved.activation.unwrap();
    assert_eq!(activation, FakeQuantSpec::activation());
    assert_eq!(activation.observer.kind, ObserverKind::Mse { stride: 1 });
    assert_eq!(activation.observer.averaging_constant, 0.01);
    assert_eq!(
        (activation.quant_min(), activation.quant_max()),
        (-128, 127)
    );
    assert_eq!(resolved.weight.observer.kind, ObserverKind::MinMax);
    assert_eq!(resolved.weight.ch_axis, 0);
}

#[test]
fn names_go_before_types_before_global() {
    let text = r#"
        [global]
        activation = { observer = "kl" }
        [module_type.Conv2d]
        activation = { observer = "mix" }
        [module_name."layer1.0.conv2"]
        activation = { observer = "percentile", percentile = 99.5 }
    "#;
    assert_eq!(observer(text, "add"), "kl");
    assert_eq!(observer(text, "layer1.0.conv1"), "mix");
    let resolved = resolve(text, "layer1.0.conv2").unwrap();
    assert!(resolved.names_activation);
    assert_eq!(
        resolved.activation.unwrap().observer.kind,
        ObserverKind::Percentile {
            percentile: 99.5,
            bins: 2048
        }
    );
}

#[test]
fn children_inherit_and_a_type_overrules_what_is_inherited() {
    let text = r#"
        [module_name.layer1]
        activation = { observer = "kl", bins = 1024 }
        weight = { observer = "mse" }
        [module_type."nn.Conv2d"]
        activation = { dtype = "qint16" }
    "#;
    let conv = resolve(text, "layer1.0.conv1").unwrap();
    let activation = conv.activation.unwrap();
    assert_eq!(activation.dtype, QDType::Qint16);
    assert_eq!(
        (activation.quant_min(), activation.quant_max()),
        (-32768, 32767)
    );
    assert_eq!(activation.observer.key(), "kl");
    assert_eq!(conv.weight.observer.key(), "mse");
    assert!(!conv.names_activation);
    let add = resolve(text, "layer1.0._generated_add_0").unwrap();
    assert_eq!(add.activation.unwrap().dtype, QDType::Qint8);
    assert_eq!(observer(text, "layer10.conv"), "mse");
}

#[test]
fn false_leaves_a_tree_in_float_until_a_name_below_says_otherwise() {
    let text = r#"
        [module_name]
        "head" = false
        "head.conv" = { activation = false }
    "#;
    assert_eq!(resolve(text, "head.fc"), None);
    let conv = resolve(text, "head.conv").unwrap();
    assert_eq!(conv.activation, None);
    assert!(conv.names_activation);
}

#[test]
fn types_are_named_by_class_dotted_end_or_torch_short_form() {
    for key in [
        "Conv2d",
        "conv.Conv2d",
        "torch.nn.modules.conv.Conv2d",
        "torch.nn.Conv2d",
        "nn.Conv2d",
        "__torch__.torch.nn.modules.conv.Conv2d",
    ] {
        let text = format!("[module_type.\"{key}\"]\nactivation = {{ observer = \"mix\" }}");
        assert_eq!(observer(&text, "conv1"), "mix", "{key}");
        assert_eq!(observer(&text, "head.fc"), "mse", "{key}");
    }
    let text = "[module_type.\"my.Conv2d\"]\nactivation = { observer = \"mix\" }";
    assert_eq!(observer(text, "conv1"), "mse");
}

#[test]
fn unused_keys_are_reported_with_their_line() {
    let text =
        "[module_type.Conv2d]\n[module_type.LSTM]\n[module_name]\nconv1 = false\nlayer9 = false\n";
    let qconfig = parse(text).unwrap();
    let mut resolver = qconfig.resolver();
    resolver.resolve("conv1", &class_of);
    let unused: Vec<String> = resolver.unused().iter().map(ToString::to_string).collect();
    assert_eq!(
        unused,
        [
            "q.toml:2: The model doesn't have {'LSTM'}. Please make sure qconfig_dict is set correctly.",
            "q.toml:5: The model doesn't have {'layer9'}. Please make sure qconfig_dict is set correctly.",
        ]
    );
}

#[test]
fn inputs_have_a_list() {
    let text = r#"
        [module_name.conv1]
        input = [{ dtype = "qint16" }, false]
    "#;
    let input = resolve(text, "conv1").unwrap().input;
    assert_eq!(input.len(), 2);
    assert_eq!(input[0].as_ref().unwrap().dtype, QDType::Qint16);
    assert_eq!(input[1], None);
}

#[test]
fn what_is_wrong_is_named_with_key_and_line() {
    for (text, expected) in [
        (
            "march = \"bayes2\"",
            "q.toml:1: `march`: expected \"bernoulli\", \"bernoulli2\", \"bayes\", \"bayes-e\", \"bayes-a825-03\", \
             \"nash\", \"nash-e\", \"nash-m\", \"nash-p\", \"meta\", found \"bayes2\"",
        ),
        (
            "\nmarsh = \"bayes\"",
            "q.toml:2: `marsh`: is no key of a qconfig, which has march, round_mode, high_precision_output, global, \
             module_type, module_name",
        ),
        (
            "march = \"bernoulli2\"\n[global]\nactivation = { dtype = \"qint16\" }",
            "q.toml:3: `global.activation.dtype`: march bernoulli2 has no qint16 activations; use \"qint8\", or a \
             march such as bayes",
        ),
        (
            "[global]\nweight = { dtype = \"qint16\" }",
            "q.toml:2: `global.weight.dtype`: weights are qint8: Only support qint8 weight!",
        ),
        (
            "march = \"bernoulli2\"\n[module_type.\"nn.Linear\"]\nactivation = { observer = \"kl\" }",
            "q.toml:2: `module_type.\"nn.Linear\"`: march bernoulli2 has no quantised function for it; leave it in \
             float with `nn.Linear = false`",
        ),
        (
            "[module_name.conv1]\nactivation = { observer = \"mse\",\n bins = 3 }",
            "q.toml:3: `module_name.conv1.activation.bins`: observer `mse` has the parameters averaging_constant, \
             stride; the other keys are dtype, ch_axis, observer, saturate",
        ),
        (
            "[global]\nactivation = { observer = \"kl\", bins = 128 }",
            "q.toml:2: `global.activation.bins`: must be an integer from 256 to 16384, it is 128",
        ),
        (
            "[global]\nactivation = { averaging_constant = 1.5 }",
            "q.toml:2: `global.activation.averaging_constant`: must be from 0 to 1, it is 1.5",
        ),
        (
            "[global]\nweight = { observer = \"percentile\" }",
            "q.toml:2: `global.weight.observer`: observer `percentile` works per tensor, weights are quantised per \
             channel; add `ch_axis = -1` for one scale",
        ),
        (
            "[global]\nactivation = { observer = \"fixed_scale\" }",
            "q.toml:2: `global.activation.observer`: `fixed_scale` needs a `scale`",
        ),
        (
            "[global]\nactivation = { observer = \"fixed_scale\", scale = 0 }",
            "q.toml:2: `global.activation.scale`: must be greater than 0, it is 0",
        ),
        (
            "[global]\nactivation = { observer = \"fixed_scale\", scale = inf }",
            "q.toml:2: `global.activation.scale`: must be a finite float32, it is inf",
        ),
        (
            "march = \"bernoulli\"\n[global]\nactivation = { observer = \"fixed_scale\", scale = 0.3 }",
            "q.toml:3: `global.activation.scale`: march bernoulli has scales that are powers of two, 0.3 is none",
        ),
        (
            "[global]\nactivation = { observer = \"clip\", xmin = 2 }",
            "q.toml:2: `global.activation.observer`: xmin 2 is greater than xmax 1",
        ),
        (
            "[module_name]\nhead = true",
            "q.toml:2: `module_name.head`: expected `false` (stays in float) or a table with activation, weight or \
             input, found true",
        ),
        ("a = [", "q.toml:1: not TOML: unclosed array, expected `]`"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn flags_go_before_the_file() {
    let text = "march = \"bernoulli2\"\nhigh_precision_output = false\n[global]\nactivation = { observer = \"mse\", \
                stride = 5, averaging_constant = 0.2 }\n[module_name.conv1]\nactivation = { dtype = \"qint16\" }";
    assert!(parse(text).is_err());
    let flags = Flags {
        march: Some(March::Bayes),
        observer: Some("kl".to_owned()),
        high_precision_output: Some(true),
        ..Flags::default()
    };
    let qconfig = QConfig::parse(text, "q.toml", &flags).unwrap();
    assert_eq!(qconfig.march, March::Bayes);
    assert!(qconfig.high_precision_output);
    let conv = qconfig.resolver().resolve("conv1", &class_of).unwrap();
    let activation = conv.activation.unwrap();
    assert_eq!(activation.dtype, QDType::Qint16);
    assert_eq!(activation.observer, ObserverSpec::named("kl").unwrap());

    let flags = Flags {
        march: Some(March::Bayes),
        averaging_constant: Some(0.5),
        ..Flags::default()
    };
    let qconfig = QConfig::parse(text, "q.toml", &flags).unwrap();
    let add = qconfig.resolver().resolve("add", &class_of).unwrap();
    let observer = add.activation.unwrap().observer;
    assert_eq!(observer.kind, ObserverKind::Mse { stride: 5 });
    assert_eq!(observer.averaging_constant, 0.5);
}

#[test]
fn wrong_flags_are_named() {
    let flags = Flags {
        observer: Some("mse2".to_owned()),
        ..Flags::default()
    };
    assert_eq!(
        QConfig::from_flags(&flags).unwrap_err().to_string(),
        "the command line: `--observer`: `mse2` is no observer, expected one of min_max, percentile, mse, kl, mix, \
         fixed_scale, clip, clip_std, running_min_max"
    );
    let flags = Flags {
        march: Some(March::Bernoulli2),
        activation_dtype: Some(QDType::Qint16),
        ..Flags::default()
    };
    assert_eq!(
        QConfig::from_flags(&flags).unwrap_err().to_string(),
        "the command line: `--activation-dtype`: march bernoulli2 has no qint16 activations; use qint8, or a march \
         such as bayes"
    );
}

#[test]
fn an_observer_comes_back_from_its_objects_attributes() {
    for key in ObserverSpec::KEYS {
        let mut spec = ObserverSpec::named(key).unwrap();
        for (name, value) in [
            ("averaging_constant", ObserverValue::Float(0.25)),
            ("bins", ObserverValue::Int(333)),
            ("stride", ObserverValue::Int(7)),
            ("update_interval", ObserverValue::Int(4)),
            ("percentile", ObserverValue::Float(98.5)),
            ("xmin", ObserverValue::Float(-0.5)),
            ("std_scale", ObserverValue::Float(2.5)),
            ("scale", ObserverValue::Float(0.125)),
        ] {
            // Not every observer has every parameter.
            let _ = spec.set(name, value);
        }
        let mut attributes = spec.attributes();
        if let ObserverKind::FixedScale { .. } = spec.kind {
            attributes.extend(spec.parameters());
        }
        let get = |name: &str| {
            let found = attributes.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| *value)
        };
        for per_channel in [false, true] {
            let class = spec.class_name(per_channel);
            let read = ObserverSpec::from_attributes(&class, &get).unwrap();
            assert_eq!(read, spec, "{class}");
        }
    }
    let none = |_: &str| None;
    let error = ObserverSpec::from_attributes("__torch__.torch.nn.Identity", &none).unwrap_err();
    assert_eq!(error, "`torch.nn.Identity` is no observer that is known");
}

#[test]
fn what_is_said_is_told_from_the_defaults() {
    let said = |text: &str| {
        let resolved = resolve(text, "layer1.0.conv1").unwrap();
        let activation = resolved.activation.unwrap();
        (
            activation.says_observer,
            activation.says_average,
            resolved.weight.says_observer,
        )
    };
    assert_eq!(said(""), (false, false, false));
    let constant = "[global]\nactivation = { averaging_constant = 0.01 }";
    assert_eq!(said(constant), (false, true, false));
    let both = "[global]\nactivation = { observer = \"mse\", averaging_constant = 0.01 }";
    assert_eq!(said(both), (true, true, false));
    let weight = "[module_type.Conv2d]\nweight = { observer = \"min_max\" }";
    assert_eq!(said(weight), (false, false, true));
    // An observer of a level above comes with its own constant.
    let replaced = format!("{both}\n[module_name.layer1]\nactivation = {{ observer = \"kl\" }}");
    assert_eq!(said(&replaced), (true, false, false));
}
