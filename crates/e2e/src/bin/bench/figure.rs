//! What is printed: a line for each figure, with its goal.

use std::fmt;

use serde_json::json;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// Not more.
    AtMost(f64),
    /// Not less.
    AtLeast(f64),
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "<= {bound}"),
            Self::AtLeast(bound) => write!(f, ">= {bound}"),
        }
    }
}

/// One measured figure.
#[derive(Debug)]
pub(crate) struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    goal: Option<Goal>,
}

impl Figure {
    /// A figure that is only told.
    pub(crate) const fn plain(name: &'static str, value: f64, unit: &'static str) -> Self {
        Self {
            name,
            value,
            unit,
            goal: None,
        }
    }

    /// A figure that should be something.
    pub(crate) const fn with_goal(name: &'static str, value: f64, unit: &'static str, goal: Goal) -> Self {
        Self {
            name,
            value,
            unit,
            goal: Some(goal),
        }
    }

    fn met(&self) -> Option<bool> {
        self.goal.map(|goal| match goal {
            Goal::AtMost(bound) => self.value <= bound,
            Goal::AtLeast(bound) => self.value >= bound,
        })
    }

    /// One JSON object.
    fn json(&self) -> String {
        json!({
            "name": self.name,
            "value": (self.value * 1000.0).round() / 1000.0,
            "unit": self.unit,
            "goal": self.goal.map(|goal| goal.to_string()),
            "met": self.met(),
        })
        .to_string()
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let met = match self.met() {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        let goal = self.goal.map(|goal| goal.to_string()).unwrap_or_default();
        let places = if self.value.abs() < 100.0 { 2 } else { 0 };
        let value = format!("{:.places$}", self.value);
        let line = format!("{:<34} {value:>10} {:<6} {goal:<8} {met}", self.name, self.unit);
        f.write_str(line.trim_end())
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The figures.
    pub(crate) figures: Vec<Figure>,
    /// Where the time of a co-signature goes.
    pub(crate) parts: Vec<Figure>,
    /// What the curve's operations take.
    pub(crate) floor: Vec<Figure>,
}

impl Report {
    /// All lines, for a machine or for a person.
    pub(crate) fn print(&self, json: bool) {
        if json {
            for figure in self.figures.iter().chain(&self.parts).chain(&self.floor) {
                println!("{}", figure.json());
            }
            return;
        }
        println!("\n{:<34} {:>10} {:<6} {:<8} met", "figure", "value", "unit", "goal");
        for figure in &self.figures {
            println!("{figure}");
        }
        println!("\nwhere the server's time for one co-signature goes");
        for part in &self.parts {
            println!("{part}");
        }
        println!("\nwhat an operation on the curve takes");
        for operation in &self.floor {
            println!("{operation}");
        }
    }
}
