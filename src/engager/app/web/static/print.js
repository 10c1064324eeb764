"use strict";
// The handout: its print button.
document.addEventListener("DOMContentLoaded", () => byId("print").addEventListener("click", () => print()));
