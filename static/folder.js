// Lets a whole folder be chosen, where the browser can: only its files with rows are sent, each with its path.

const MOST_FILES = 100; // what the server takes in one form
const HOLDS_ROWS = /\.(parquet|arrow|jsonl|ndjson|csv)$/i;

const field = document.getElementById("folder-field");
const input = document.getElementById("id_folder");
const paths = document.getElementById("id_paths");
const said = document.getElementById("folder-said");

const choose = () => {
  const files = [...input.files].filter((file) => HOLDS_ROWS.test(file.name) && !file.name.startsWith("cache-"));
  const kept = new DataTransfer();
  const isTooMuch = files.length > MOST_FILES;
  if (!isTooMuch) files.forEach((file) => kept.items.add(file));
  paths.value = JSON.stringify(isTooMuch ? [] : files.map((file) => file.webkitRelativePath || file.name));
  input.files = kept.files;
  if (isTooMuch) said.textContent = field.dataset.many;
  else said.textContent = files.length ? `${field.dataset.chosen} ${files.length}` : field.dataset.none;
};

if ("webkitdirectory" in input) {
  field.hidden = false;
  input.addEventListener("change", choose);
}
